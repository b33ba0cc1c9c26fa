import { chmodSync, chownSync, writeFileSync } from 'node:fs'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { freePorts } from './free-port.ts'
import { postgresBin, postgresMajor } from './install.ts'
import {
  isRoot,
  makeFolder,
  removeFolder,
  runToEnd,
  startProcess,
  sweepFolders,
  userExists,
  type OwnedProcess,
} from './owned-process.ts'
import { waitUntil } from './wait-until.ts'

/** One database of a running PostgreSQL, as its owner sees it. */
export interface Database {
  readonly host: string
  readonly port: number
  readonly name: string
  readonly user: string
  readonly password: string
  /** `postgres://user:password@127.0.0.1:port/name` */
  readonly url: string
}

/** A PostgreSQL of our own on 127.0.0.1, thrown away at `stop`: nothing in it survives a crash (fsync is off). */
export interface Postgres {
  readonly host: string
  readonly port: number
  /** PostgreSQL's major version. */
  readonly major: string
  readonly pid: number
  /** Creates an empty database with an owner of the same name. Throws when it is there already. */
  createDatabase(name: string): Promise<Database>
  dropDatabase(name: string): Promise<void>
  /** Runs SQL as the superuser; returns what `psql --no-align --tuples-only` prints: one row a line, columns parted by `|`. */
  query(database: string, sql: string): Promise<string>
  /** Runs a file of SQL in one transaction as `user`. */
  runFile(database: string, user: string, file: string): Promise<void>
  /** Writes a plain SQL dump without owners. */
  dump(database: string, file: string): Promise<void>
  stop(): Promise<void>
}

const SUPERUSER = 'postgres'

/** Starts an empty PostgreSQL (initdb, about 2 s), installing it from Debian when it is missing. Takes connections when this returns. */
export async function startPostgres(): Promise<Postgres> {
  sweepFolders()
  const bin = await postgresBin()
  const folder = makeFolder('postgres')
  const user = serverUser()
  const passwordFile = join(folder, 'superuser-password')
  writeFileSync(passwordFile, SUPERUSER)
  for (const path of [folder, passwordFile]) giveTo(path, user)
  const data = join(folder, 'data')
  // initdb and postgres refuse to run as root.
  const asUser = user === undefined ? {} : { user }
  const env = { PATH: process.env.PATH ?? '', LANG: 'C.UTF-8', LC_ALL: 'C.UTF-8' }
  // Passwords are checked, so that tests of wrong credentials mean something; every role's password is its name.
  const access = ['-U', SUPERUSER, '--pwfile', passwordFile, '-A', 'scram-sha-256']
  await runToEnd(join(bin, 'initdb'), ['-D', data, ...access, '-E', 'UTF8', '--no-sync'], {
    ...asUser,
    env,
    cwd: folder,
  })
  const { server, port } = await listen(bin, data, folder, { ...asUser, env })
  const client = (program: string, args: readonly string[], as: string, database: string): Promise<string> =>
    runToEnd(join(bin, program), ['-h', '127.0.0.1', '-p', String(port), '-U', as, '-d', database, ...args], {
      env: { ...env, PGCONNECT_TIMEOUT: '10', PGPASSWORD: as },
    })
  const query = (database: string, sql: string): Promise<string> =>
    client('psql', ['-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-c', sql], SUPERUSER, database)
  return {
    host: '127.0.0.1',
    port,
    major: postgresMajor(bin),
    pid: server.pid,
    query,
    async createDatabase(name) {
      await query(SUPERUSER, `CREATE ROLE "${name}" LOGIN PASSWORD '${name}'`)
      await query(SUPERUSER, `CREATE DATABASE "${name}" OWNER "${name}"`)
      const url = `postgres://${name}:${name}@127.0.0.1:${port}/${name}`
      return { host: '127.0.0.1', port, name, user: name, password: name, url }
    },
    async dropDatabase(name) {
      await query(SUPERUSER, `DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`)
      await query(SUPERUSER, `DROP ROLE IF EXISTS "${name}"`)
    },
    async runFile(database, as, file) {
      await client('psql', ['-X', '-q', '-1', '-v', 'ON_ERROR_STOP=1', '-f', file], as, database)
    },
    async dump(database, file) {
      await client('pg_dump', ['--no-owner', '--no-privileges', '-f', file], SUPERUSER, database)
    },
    async stop() {
      await server.end('SIGINT')
      removeFolder(folder)
    },
  }
}

async function listen(
  bin: string,
  data: string,
  folder: string,
  options: { readonly user?: string; readonly env: Record<string, string> },
): Promise<{ server: OwnedProcess; port: number }> {
  for (let attempt = 1; ; attempt++) {
    const [port = 0] = await freePorts(1)
    const settings = ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off', 'listen_addresses=127.0.0.1']
    const args = ['-D', data, '-p', String(port), '-k', folder, ...settings.flatMap((setting) => ['-c', setting])]
    const server = startProcess(join(bin, 'postgres'), args, { ...options, cwd: folder, orphanSignal: 'SIGQUIT' })
    try {
      await waitUntil(
        'PostgreSQL takes connections',
        async () => {
          const probe = ['-X', '-h', '127.0.0.1', '-p', String(port), '-U', SUPERUSER, '-c', 'select 1']
          await runToEnd(join(bin, 'psql'), probe, { env: { ...options.env, PGPASSWORD: SUPERUSER } })
          return true
        },
        {
          timeoutMs: 60_000,
          giveUp: () => (server.hasEnded() ? `it ended: ${server.output().slice(-2000)}` : undefined),
        },
      )
      server.letGo()
      return { server, port }
    } catch (error) {
      await server.end('SIGINT')
      if (attempt === 3 || !server.output().includes('Address already in use')) throw error
    }
  }
}

/** As root another user must own the data; otherwise we run as ourselves. */
function serverUser(): string | undefined {
  if (!isRoot()) return undefined
  return userExists('postgres') ? 'postgres' : 'nobody'
}

function giveTo(path: string, user: string | undefined): void {
  if (user === undefined) return
  const idOf = (flag: string): number => Number(execFileSync('id', [flag, user], { encoding: 'utf8' }))
  chownSync(path, idOf('-u'), idOf('-g'))
  chmodSync(path, 0o700)
}
