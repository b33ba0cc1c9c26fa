/**
 * Bundles the program `toriki` into dist/worker: `toriki.mjs`, which Node 24 starts alone, the program of its threads beside it, and koffi's native files beside it where they are installed
 * (without them it goes the plain way, and says so in the snapshots). And dist/worker/kubernetes: the manifests of infra/kubernetes with the same program
 * inside, each file compressed, small enough for a ConfigMap (docs/decisions/0009). The same sources give the same bytes.
 */
import { createHash } from 'node:crypto'
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import { brotliCompressSync, constants } from 'node:zlib'
import { build } from 'esbuild'
import { architectures, fetchNativeBinaries, nativeBinary } from './native-binaries.ts'

export interface Worker {
  /** The program; `node FILE work`. */
  readonly file: string
  /** What the cluster stores of it. */
  readonly configMapBytes: number
  /** Processors whose native files go along: `x64`, `arm64`. */
  readonly native: readonly string[]
}

const root = resolve(import.meta.dirname, '..')
/** Kubernetes refuses a ConfigMap above 1 MiB; the rest is for its names. */
const CONFIG_MAP_BYTES_MAX = 1_000_000

const banner =
  "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);"

/** Empties `outFolder` and fills it. Throws when the program does not bundle, or has become too large for a ConfigMap. */
export async function buildWorker(outFolder: string): Promise<Worker> {
  await rm(outFolder, { recursive: true, force: true })
  await mkdir(outFolder, { recursive: true })
  const file = join(outFolder, 'toriki.mjs')
  await build({
    absWorkingDir: root,
    entryPoints: [
      { in: 'lib/embedded/main.ts', out: 'toriki' },
      { in: 'lib/chunk-thread.ts', out: 'chunk-thread' },
    ],
    outdir: outFolder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    // Packages that offer both are taken as ES modules, which shed what is not used.
    mainFields: ['module', 'main'],
    minify: true,
    legalComments: 'linked',
    banner: { js: banner },
    external: ['pg-native'],
    logLevel: 'warning',
  })
  const native = await layNative(join(outFolder, 'node_modules'))
  const kubernetes = join(outFolder, 'kubernetes')
  await cp(join(root, 'infra/kubernetes'), kubernetes, { recursive: true })
  return { file, configMapBytes: await packProgram(outFolder, join(kubernetes, 'program')), native }
}

/** What koffi loads, for each processor whose binary is here: its own loader picks the one it runs on. */
async function layNative(to: string): Promise<string[]> {
  const laid: string[] = []
  for (const architecture of architectures) {
    const files = await nativeBinary(architecture)
    if (files === undefined) continue
    for (const [path, content] of files) {
      // The images this is for have the GNU C library; another one goes the plain way.
      if (path.includes('musl_') || !/\.(node|js|json)$/.test(path)) continue
      const file = join(to, '@koromix', `koffi-linux-${architecture}`, path)
      await mkdir(dirname(file), { recursive: true })
      await writeFile(file, content)
    }
    laid.push(architecture)
  }
  return laid
}

/** Lays every file of the program, compressed, into one folder without folders, and a list that says where each belongs and what it must be. */
async function packProgram(outFolder: string, to: string): Promise<number> {
  const files = (await readdir(outFolder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => relative(outFolder, join(entry.parentPath, entry.name)))
    .filter((path) => !path.startsWith('kubernetes'))
    .toSorted()
  const list: { readonly path: string; readonly from: string; readonly sha256: string }[] = []
  let bytes = 0
  const put = async (name: string, content: Buffer | string): Promise<void> => {
    await writeFile(join(to, name), content)
    bytes += name.length + content.length
  }
  for (const path of files) {
    const content = await readFile(join(outFolder, path))
    const from = `${path.replaceAll(/[^A-Za-z0-9._-]/g, '_')}.br`
    await put(from, brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_LGWIN]: 24 } }))
    list.push({ path, from, sha256: createHash('sha256').update(content).digest('hex') })
  }
  await put('program.json', `${JSON.stringify(list, undefined, 2)}\n`)
  await put('unpack.mjs', await readFile(join(root, 'infra/kubernetes/program/unpack.mjs')))
  if (bytes > CONFIG_MAP_BYTES_MAX)
    throw new Error(`the program has ${bytes} bytes compressed: more than a ConfigMap holds. See docs/decisions/0009.`)
  const names = ['program.json', 'unpack.mjs', ...list.map(({ from }) => from)]
  await writeFile(join(to, 'kustomization.yaml'), kustomization(names))
  return bytes
}

/** The ConfigMap's name ends in a digest of what it holds, so that a new program is a new name, and the pods are replaced. */
function kustomization(names: readonly string[]): string {
  return [
    '# Written by infra/build-worker.ts.',
    'apiVersion: kustomize.config.k8s.io/v1beta1',
    'kind: Kustomization',
    'generatorOptions: { immutable: true }',
    'configMapGenerator:',
    '  - name: toriki-program',
    '    files:',
    ...names.map((name) => `      - ${name}`),
    '',
  ].join('\n')
}

if (process.argv[1] === import.meta.filename) {
  // npm installs the one of this machine; without a network the other is left out.
  await fetchNativeBinaries()
  const { file, configMapBytes, native } = await buildWorker(join(root, 'dist/worker'))
  process.stdout.write(
    `${file}\nin a ConfigMap: ${(configMapBytes / 1024).toFixed(0)} KiB; native calls for ${native.join(', ') || 'no processor'}\n`,
  )
}
