/**
 * Bundles every functions/*.ts into dist/functions/<name>.mjs, each a file that Node 24 starts alone. Native code cannot be bundled: koffi stays an
 * import and its files are laid beside the bundles. The same sources give the same bytes.
 */
import { cp, mkdir, readdir, rm } from 'node:fs/promises'
import { basename, extname, join, resolve } from 'node:path'
import { build } from 'esbuild'

export interface Bundle {
  /** Of the function: `backup-slice`. */
  readonly name: string
  readonly file: string
  readonly bytes: number
}

const root = resolve(import.meta.dirname, '..')

/** The program of threads that read files: no function, but it lies beside those that start it. */
export const threadBundle = 'chunk-thread'

/** Some packages are CommonJS inside: their `require` needs a maker in an ES module. */
const banner =
  "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);"

/** Empties `outFolder` and fills it; returns the bundles by name, in order. Throws when a function does not bundle. */
export async function buildFunctions(outFolder: string): Promise<Bundle[]> {
  const sources = (await readdir(join(root, 'functions'))).filter((name) => name.endsWith('.ts')).toSorted()
  await rm(outFolder, { recursive: true, force: true })
  await mkdir(outFolder, { recursive: true })
  const result = await build({
    absWorkingDir: root,
    entryPoints: [
      ...sources.map((name) => ({ in: join('functions', name), out: basename(name, '.ts') })),
      { in: 'lib/chunk-thread.ts', out: threadBundle },
    ],
    outdir: outFolder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    // Packages that offer both are taken as ES modules, which shed what is not used.
    mainFields: ['module', 'main'],
    minifySyntax: true,
    minifyWhitespace: true,
    sourcemap: 'linked',
    sourcesContent: false,
    legalComments: 'linked',
    banner: { js: banner },
    external: ['koffi', 'pg-native'],
    metafile: true,
    logLevel: 'warning',
  })
  const outputs = Object.entries(result.metafile.outputs).filter(([file]) => file.endsWith('.mjs'))
  const external = outputs.flatMap(([, output]) => output.imports.filter((to) => to.external).map((to) => to.path))
  if (external.includes('koffi')) await copyKoffi(outFolder)
  return outputs
    .filter(([file]) => basename(file, '.mjs') !== threadBundle)
    .map(([file, { bytes }]) => ({ name: basename(file, '.mjs'), file: resolve(root, file), bytes }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

/** koffi and the binaries of it that are installed: build on the processor the functions run on. */
async function copyKoffi(outFolder: string): Promise<void> {
  const from = join(root, 'node_modules')
  const to = join(outFolder, 'node_modules')
  // Its C++ sources stay behind: only what Node loads goes along.
  const loaded = (path: string): boolean => extname(path) === '' || /\.(c?js|json)$/.test(path)
  for (const part of ['package.json', 'index.js', 'index.cjs', 'src']) {
    await cp(join(from, 'koffi', part), join(to, 'koffi', part), { recursive: true, filter: loaded })
  }
  await cp(join(from, '@koromix'), join(to, '@koromix'), { recursive: true })
}

if (process.argv[1] === import.meta.filename) {
  for (const bundle of await buildFunctions(join(root, 'dist/functions'))) {
    process.stdout.write(`${bundle.name.padEnd(20)} ${(bundle.bytes / 1024).toFixed(0).padStart(7)} KiB\n`)
  }
}
