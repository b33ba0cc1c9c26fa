/**
 * koffi's binaries for the processors that functions run on. npm installs this machine's alone, so the other one is fetched by npm itself (the registry that the user
 * has, `npm pack`) at the version and with the checksum of the lock file, once, into `.cache/`. Without network and without a copy there the package goes without it, which
 * the caller is told: the function then reads files by Node's own calls, and every snapshot's notes say what that costs.
 */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { gunzipSync } from 'node:zlib'

const root = resolve(import.meta.dirname, '..')
const run = promisify(execFile)
const FETCH_MS = 60_000

/** Lambda's processors; its systems are of glibc. */
export const architectures = ['arm64', 'x64'] as const
export type Architecture = (typeof architectures)[number]

/** Files of the binary package by their path inside it; undefined when there is none here. */
export async function nativeBinary(architecture: Architecture): Promise<ReadonlyMap<string, Buffer> | undefined> {
  const name = packageOf(architecture)
  const installed = join(root, 'node_modules', name)
  if (existsSync(join(installed, 'package.json'))) return await filesBelow(installed)
  const kept = join(await cacheFolder(architecture), 'package.tgz')
  if (!existsSync(kept)) return undefined
  const bytes = await readFile(kept)
  return (await integrityOf(architecture)) === digestOf(bytes) ? untar(gunzipSync(bytes)) : undefined
}

/** Fetches what is missing. Gives the architectures that could not be had. @throws Error when what came is not what the lock file names. */
export async function fetchNativeBinaries(): Promise<readonly Architecture[]> {
  const missing: Architecture[] = []
  for (const architecture of architectures) {
    if ((await nativeBinary(architecture)) !== undefined) continue
    if (!(await fetchOne(architecture))) missing.push(architecture)
  }
  return missing
}

async function fetchOne(architecture: Architecture): Promise<boolean> {
  const folder = await cacheFolder(architecture)
  const coming = `${folder}.${process.pid}`
  await mkdir(coming, { recursive: true })
  try {
    const wanted = `${packageOf(architecture)}@${(await lockOf(architecture)).version}`
    await run('npm', ['pack', wanted, '--silent', '--fetch-retries=0', '--pack-destination', coming], {
      cwd: root,
      timeout: FETCH_MS,
    })
    const [tarball = ''] = await readdir(coming)
    const bytes = await readFile(join(coming, tarball))
    if (digestOf(bytes) !== (await integrityOf(architecture)))
      throw new Error(`${wanted} as the registry gives it is not what package-lock.json names.`)
    await mkdir(folder, { recursive: true })
    await writeFile(join(coming, 'package.tgz'), bytes)
    await rename(join(coming, 'package.tgz'), join(folder, 'package.tgz'))
    return true
  } catch (error) {
    // No network, or a registry that has it not: an answer. Another package than the one that was locked: a refusal.
    if (error instanceof Error && 'cmd' in error) return false
    throw error
  } finally {
    await rm(coming, { recursive: true, force: true })
  }
}

function packageOf(architecture: Architecture): string {
  return `@koromix/koffi-linux-${architecture}`
}

interface Locked {
  readonly version: string
  readonly integrity: string
}

async function lockOf(architecture: Architecture): Promise<Locked> {
  const lock = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8')) as {
    readonly packages: Readonly<Record<string, Locked>>
  }
  const locked = lock.packages[`node_modules/${packageOf(architecture)}`]
  if (locked === undefined) throw new Error(`package-lock.json has no ${packageOf(architecture)}.`)
  return locked
}

async function integrityOf(architecture: Architecture): Promise<string> {
  return (await lockOf(architecture)).integrity
}

function digestOf(bytes: Uint8Array): string {
  return `sha512-${createHash('sha512').update(bytes).digest('base64')}`
}

async function cacheFolder(architecture: Architecture): Promise<string> {
  return join(root, '.cache/koffi', `${(await lockOf(architecture)).version}-${architecture}`)
}

async function filesBelow(folder: string): Promise<ReadonlyMap<string, Buffer>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  return new Map(
    await Promise.all(files.map(async (file) => [file.slice(folder.length + 1), await readFile(file)] as const)),
  )
}

/** What npm packs: plain files below `package/`, with names short enough for the first header. */
function untar(bytes: Buffer): ReadonlyMap<string, Buffer> {
  const files = new Map<string, Buffer>()
  for (let at = 0; at + 512 <= bytes.length && bytes[at] !== 0;) {
    const text = (from: number, length: number): string =>
      bytes.toString('utf8', at + from, at + from + length).split('\0')[0] ?? ''
    const size = Number.parseInt(text(124, 12), 8)
    const name = text(0, 100)
    if (['0', ''].includes(text(156, 1)) && name.startsWith('package/'))
      files.set(name.slice('package/'.length), bytes.subarray(at + 512, at + 512 + size))
    at += 512 + Math.ceil(size / 512) * 512
  }
  return files
}

if (process.argv[1] === import.meta.filename) {
  const missing = await fetchNativeBinaries()
  for (const architecture of missing) process.stderr.write(`npm cannot fetch ${packageOf(architecture)}.\n`)
  process.exitCode = missing.length === 0 ? 0 : 1
}
