/**
 * The functions' zips: each a bundle that starts alone, koffi for both processors, and the settings files beside it, and nothing else. The same sources
 * and settings give the same bytes.
 */
import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { buildFunctions, threadBundle } from './build-functions.ts'
import { architectures, fetchNativeBinaries, nativeBinary } from './native-binaries.ts'
import type { Architecture } from './native-binaries.ts'
import { zip } from './zip.ts'
import type { ZipFile } from './zip.ts'

const root = resolve(import.meta.dirname, '..')

export interface PackagedFunctions {
  /** The zip of each function, by name. */
  readonly zips: ReadonlyMap<string, string>
  /** Processors that go without koffi: there the files are read by Node's own calls. */
  readonly withoutNative: readonly Architecture[]
}

/**
 * `packaged`: more files, by their path in every zip. `fetch`: ask npm for a binary that is not here; nothing else is asked for.
 */
export async function packageFunctions(
  outFolder: string,
  { packaged, fetch }: { readonly packaged: Readonly<Record<string, string>>; readonly fetch: boolean },
): Promise<PackagedFunctions> {
  const missing = fetch ? await fetchNativeBinaries() : []
  const bundleFolder = join(outFolder, 'bundles')
  const bundles = await buildFunctions(bundleFolder)
  const { files: koffi, withoutNative } = await koffiFiles()
  const settings = await Promise.all(
    Object.entries(packaged).map(async ([name, file]) => ({ name, bytes: await readFile(file) })),
  )
  const zips = new Map<string, string>()
  await mkdir(outFolder, { recursive: true })
  for (const { name, file } of bundles) {
    const program = await readFile(file, 'utf8')
    const needsKoffi = program.includes('"koffi"')
    const thread = `${threadBundle}.mjs`
    const legal = join(bundleFolder, `${name}.mjs.LEGAL.txt`)
    const files: ZipFile[] = [
      { name: `${name}.mjs`, bytes: await readFile(file) },
      ...(await readIfThere(legal).then((bytes) =>
        bytes === undefined ? [] : [{ name: `${name}.mjs.LEGAL.txt`, bytes }],
      )),
      ...(program.includes(thread) ? [{ name: thread, bytes: await readFile(join(bundleFolder, thread)) }] : []),
      ...(needsKoffi ? koffi : []),
      ...settings,
    ]
    const path = join(outFolder, `${name}.zip`)
    await rm(path, { force: true })
    await writeFile(path, zip(files))
    zips.set(name, path)
  }
  await rm(bundleFolder, { recursive: true, force: true })
  return { zips, withoutNative: [...new Set([...missing, ...withoutNative])] }
}

/** koffi as Node loads it, without its C++ sources, and the binaries of the processors that functions run on. */
async function koffiFiles(): Promise<{
  readonly files: readonly ZipFile[]
  readonly withoutNative: readonly Architecture[]
}> {
  const from = join(root, 'node_modules/koffi')
  const names = await readdir(from, { recursive: true, withFileTypes: true })
  const loaded = names
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(from.length + 1))
    .filter((name) => /^(package\.json|LICENSE\.txt|index\.c?js|src\/.*\.c?js)$/.test(name))
  const files: ZipFile[] = await Promise.all(
    loaded.map(async (name) => ({ name: `node_modules/koffi/${name}`, bytes: await readFile(join(from, name)) })),
  )
  const withoutNative: Architecture[] = []
  for (const architecture of architectures) {
    const binary = await nativeBinary(architecture)
    if (binary === undefined) withoutNative.push(architecture)
    for (const [name, bytes] of binary ?? [])
      // Lambda's systems are of glibc.
      if (!name.startsWith('musl_'))
        files.push({ name: `node_modules/@koromix/koffi-linux-${architecture}/${name}`, bytes })
  }
  return { files, withoutNative }
}

async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path)
  } catch {
    return undefined // a bundle of our own code alone has no such file
  }
}
