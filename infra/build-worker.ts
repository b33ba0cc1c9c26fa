/**
 * Bundles the program `toriki` into dist/worker: `toriki.mjs`, one file that Node 24 starts alone, with koffi's native files beside it where they are installed
 * (without them it goes the plain way, and says so in the snapshots). And dist/worker/kubernetes: the manifests of infra/kubernetes with the same program
 * inside, each file compressed, small enough for a ConfigMap (docs/decisions/0009). The same sources give the same bytes.
 */
import { createHash } from 'node:crypto'
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { extname, join, relative, resolve } from 'node:path'
import { brotliCompressSync, constants } from 'node:zlib'
import { build } from 'esbuild'

export interface Worker {
  /** The program; `node FILE work`. */
  readonly file: string
  /** What the cluster stores of it. */
  readonly configMapBytes: number
  /** Processors whose native files go along, such as `linux-x64`. */
  readonly native: readonly string[]
}

const root = resolve(import.meta.dirname, '..')
/** Kubernetes refuses a ConfigMap above 1 MiB; the rest is for its names. */
const CONFIG_MAP_BYTES_MAX = 1_000_000
const CONTAINER_SYSTEM = 'linux-'

const banner =
  "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);"

/** Empties `outFolder` and fills it. Throws when the program does not bundle, or has become too large for a ConfigMap. */
export async function buildWorker(outFolder: string): Promise<Worker> {
  await rm(outFolder, { recursive: true, force: true })
  await mkdir(outFolder, { recursive: true })
  const file = join(outFolder, 'toriki.mjs')
  await build({
    absWorkingDir: root,
    entryPoints: ['lib/embedded/main.ts'],
    outfile: file,
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
  const native = await copyNative(join(outFolder, 'node_modules'))
  const kubernetes = join(outFolder, 'kubernetes')
  await cp(join(root, 'infra/kubernetes'), kubernetes, { recursive: true })
  return { file, configMapBytes: await packProgram(outFolder, join(kubernetes, 'program')), native }
}

/** What koffi loads on Linux: its own loader picks the processor and the C library. */
async function copyNative(to: string): Promise<string[]> {
  const from = join(root, 'node_modules/@koromix')
  const installed = (await readdir(from)).filter((name) => name.startsWith(`koffi-${CONTAINER_SYSTEM}`)).toSorted()
  for (const name of installed) {
    await cp(join(from, name), join(to, '@koromix', name), {
      recursive: true,
      // The images this is for have the GNU C library; another one goes the plain way.
      filter: (path) => !path.includes('musl_') && (extname(path) === '' || /\.(node|js|json)$/.test(path)),
    })
  }
  return installed.map((name) => name.slice('koffi-'.length))
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
  const { file, configMapBytes, native } = await buildWorker(join(root, 'dist/worker'))
  process.stdout.write(
    `${file}\nin a ConfigMap: ${(configMapBytes / 1024).toFixed(0)} KiB; native calls for ${native.join(', ') || 'no processor'}\n`,
  )
}
