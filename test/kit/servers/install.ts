import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { isRoot, runToEnd } from './owned-process.ts'

const DEBIAN = '/usr/lib/postgresql'

/** The folder with `initdb`, `postgres` and `psql`: the newest of Debian's, else the one on PATH; undefined when there is none. */
export function findPostgresBin(): string | undefined {
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN).toSorted((a, b) => Number(b) - Number(a)) : []
  const folders = [...versions.map((version) => join(DEBIAN, version, 'bin')), ...pathFolders()]
  return folders.find((folder) => ['initdb', 'postgres', 'psql'].every((name) => existsSync(join(folder, name))))
}

/** Installs PostgreSQL from Debian when it is missing; returns its folder of programs. Throws a sentence when it cannot. */
export async function postgresBin(): Promise<string> {
  const found = findPostgresBin()
  if (found !== undefined) return found
  if (isRoot()) withoutDefaultCluster()
  await aptInstall(['postgresql'])
  const installed = findPostgresBin()
  if (installed === undefined) throw new Error('PostgreSQL was installed but initdb, postgres and psql were not found.')
  return installed
}

/** Installs what is missing of java and mvn from Debian. Any Java from 17 on will do. */
export async function ensureJava(tools: readonly ('java' | 'mvn')[]): Promise<void> {
  const packages = { java: 'openjdk-17-jre-headless', mvn: 'maven' }
  const missing = tools.filter((tool) => !isOnPath(tool))
  if (missing.length > 0) await aptInstall(missing.map((tool) => packages[tool]))
}

export function isOnPath(program: string): boolean {
  return pathFolders().some((folder) => existsSync(join(folder, program)))
}

function pathFolders(): string[] {
  return (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '')
}

/** Installs Debian packages as root. Throws a sentence that names them where that is not possible. */
export async function aptInstall(packages: readonly string[]): Promise<void> {
  const list = packages.join(' ')
  if (!isRoot() || !isOnPath('apt-get')) {
    throw new Error(`Missing programs: install ${list} (as root: apt-get install ${list}) and run the tests again.`)
  }
  const env = { PATH: process.env.PATH ?? '', DEBIAN_FRONTEND: 'noninteractive' }
  await runToEnd('apt-get', ['update', '-q'], { env, timeoutMs: 600_000 })
  await runToEnd('apt-get', ['install', '-q', '-y', '--no-install-recommends', ...packages], {
    env,
    timeoutMs: 900_000,
  })
}

/** Keeps Debian's package from making, and starting, a server of its own on port 5432 (read by its maintainer script, `maintscripts-functions`). */
function withoutDefaultCluster(): void {
  const folder = '/etc/postgresql-common/createcluster.d'
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'toriki-test.conf'), 'create_main_cluster = false\n')
}

/** PostgreSQL's major version, which a cached dump depends on. */
export function postgresMajor(bin: string): string {
  const line = execFileSync(join(bin, 'postgres'), ['--version'], { encoding: 'utf8' })
  return /(\d+)/.exec(line)?.[1] ?? 'unknown'
}

/** `rsync`, which compares two trees in everything that it knows of entries. */
export async function ensureRsync(): Promise<void> {
  if (!isOnPath('rsync')) await aptInstall(['rsync'])
}
