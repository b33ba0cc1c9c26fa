import { cpSync, existsSync, mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { cached } from './cache-folder.ts'
import { freePorts } from './free-port.ts'
import { installKeycloak, isAtLeast, type BasePath, type KeycloakVersion } from './keycloak-install.ts'
import { makeFolder, removeFolder, startProcess, type OwnedProcess } from './owned-process.ts'
import type { Database, Postgres } from './postgres.ts'
import { waitUntil } from './wait-until.ts'

export interface KeycloakOptions {
  readonly version: KeycloakVersion
  /** The server gets a new database of its own in here: two Keycloaks must not share one. */
  readonly postgres: Postgres
  /** Default `/auth`, as Nebari has it. */
  readonly basePath?: BasePath
}

/** A running Keycloak on 127.0.0.1 with an empty master realm. */
export interface KeycloakServer {
  readonly version: KeycloakVersion
  readonly basePath: BasePath
  /** With the base path and no slash at its end: `http://127.0.0.1:<port>/auth`. */
  readonly url: string
  readonly port: number
  /** The administrator of the master realm. */
  readonly admin: { readonly username: string; readonly password: string }
  readonly database: Database
  readonly postgres: Postgres
  /** The Java process. */
  readonly pid: number
  /** How long the start took, and whether the database came from the cached dump. */
  readonly started: { readonly tookMs: number; readonly fromDump: boolean }
  /**
   * Runs `kc.sh export` of a realm beside the running server into `folder` (which is made); 500 users per file, everything in clear.
   * Returns the folder.
   */
  exportRealm(realm: string, folder: string): Promise<string>
  /**
   * Runs `kc.sh import` of such a folder beside the running server, whose caches then know nothing of it. Returns how long that took, in milliseconds: most of it is the start of Java.
   */
  importRealm(folder: string): Promise<number>
  /** The server's last lines, for a failure message. */
  output(): string
  /** Ends Java by its pid (about a second) and drops the database. */
  stop(): Promise<void>
}

export const ADMIN = { username: 'admin', password: 'admin' } as const
const START_TIMEOUT_MS = 240_000

let serial = 0

/**
 * Starts a Keycloak and returns when it is ready. First use of a version installs it and builds the schema (a minute or two);
 * afterwards the schema comes from a cached dump and a start takes 10 to 20 s on two cores.
 */
export async function startKeycloak(options: KeycloakOptions): Promise<KeycloakServer> {
  const basePath = options.basePath ?? '/auth'
  const home = await installKeycloak(options.version, basePath)
  const begun = Date.now()
  const { postgres } = options
  const name = `kc_${process.pid}_${++serial}`
  const database = await postgres.createDatabase(name)
  const { dump, fromDump } = await masterRealm(options.version, home, basePath, postgres)
  await postgres.runFile(name, database.user, dump)
  const running = await run(options.version, home, basePath, database)
  return {
    version: options.version,
    basePath,
    url: running.url,
    port: running.port,
    admin: ADMIN,
    database,
    postgres,
    pid: running.process.pid,
    started: { tookMs: Date.now() - begun, fromDump },
    exportRealm: (realm, folder) => exportRealm(options.version, home, database, realm, folder),
    importRealm: (folder) => importRealm(options.version, home, database, folder),
    output: () => running.process.output(),
    async stop() {
      await running.end()
      await postgres.dropDatabase(name)
    },
  }
}

/** A dump of the database as a version leaves it after its first start; made by such a start when it is not cached. */
async function masterRealm(
  version: KeycloakVersion,
  home: string,
  basePath: BasePath,
  postgres: Postgres,
): Promise<{ dump: string; fromDump: boolean }> {
  let fromDump = true
  const dump = await cached(`master-realm-${version}-postgres${postgres.major}.sql`, async (unfinished) => {
    fromDump = false
    const name = `kc_template_${process.pid}_${++serial}`
    const database = await postgres.createDatabase(name)
    const running = await run(version, home, basePath, database)
    await running.end()
    await postgres.dump(name, unfinished)
    await postgres.dropDatabase(name)
  })
  return { dump, fromDump }
}

interface Running {
  readonly url: string
  readonly port: number
  readonly process: OwnedProcess
  end(): Promise<void>
}

async function run(version: KeycloakVersion, build: string, basePath: BasePath, database: Database): Promise<Running> {
  const home = makeHome(build)
  for (let attempt = 1; ; attempt++) {
    const [port = 0, managementPort = 0] = await freePorts(2)
    const args = ['start', '--optimized', '--http-enabled=true', '--hostname-strict=false', '--http-host=127.0.0.1']
    args.push(`--http-port=${port}`, ...databaseOptions(database))
    // Before 26 health is on the main port and --cache is a build option; from 26 on it is a start option.
    if (isAtLeast(version, 26)) {
      args.push('--cache=local', '--http-management-host=127.0.0.1', `--http-management-port=${managementPort}`)
    }
    const server = startJava(home, args, { heap: '-Xmx1024m', extra: adminVariables(version) })
    const path = basePath === '/' ? '' : basePath
    const url = `http://127.0.0.1:${port}${path}`
    const health = isAtLeast(version, 26) ? `http://127.0.0.1:${managementPort}${path}` : url
    try {
      await waitUntil(
        `Keycloak ${version} is ready`,
        async () => {
          const ready = await fetch(`${health}/health/ready`, { signal: AbortSignal.timeout(5000) })
          if (!ready.ok) return undefined
          const realm = await fetch(`${url}/realms/master`, { signal: AbortSignal.timeout(5000) })
          return realm.ok ? true : undefined
        },
        {
          timeoutMs: START_TIMEOUT_MS,
          everyMs: 200,
          giveUp: () => (server.hasEnded() ? `it ended: ${server.output().slice(-4000)}` : undefined),
        },
      )
      server.letGo()
      const end = async (): Promise<void> => {
        await server.end('SIGTERM')
        removeFolder(home)
      }
      return { url, port, process: server, end }
    } catch (error) {
      await server.end('SIGKILL')
      const portTaken = /already in use|already bound|BindException/i.test(server.output())
      if (attempt < 3 && portTaken) continue
      removeFolder(home)
      throw error
    }
  }
}

async function exportRealm(
  version: KeycloakVersion,
  build: string,
  database: Database,
  realm: string,
  folder: string,
): Promise<string> {
  mkdirSync(folder, { recursive: true })
  const args = ['export', '--optimized', '--dir', folder, '--realm', realm, '--users', 'different_files']
  args.push('--users-per-file', '500', ...databaseOptions(database))
  const { status, output } = await runBeside(version, build, args)
  if (status !== 0 || !existsSync(join(folder, `${realm}-realm.json`))) {
    throw new Error(`Keycloak's export of a realm ended with ${status}: ${output}`)
  }
  return folder
}

async function importRealm(
  version: KeycloakVersion,
  build: string,
  database: Database,
  folder: string,
): Promise<number> {
  const begun = performance.now()
  const args = ['import', '--optimized', '--dir', folder, ...databaseOptions(database)]
  const { status, output } = await runBeside(version, build, args)
  if (status !== 0) throw new Error(`Keycloak's import of a realm ended with ${status}: ${output}`)
  return performance.now() - begun
}

/** One command of `kc.sh` that ends by itself. */
async function runBeside(
  version: KeycloakVersion,
  build: string,
  args: readonly string[],
): Promise<{ status: string | number; output: string }> {
  const home = makeHome(build)
  const [managementPort = 0] = await freePorts(1)
  const extra: Record<string, string> = isAtLeast(version, 26)
    ? { KC_HTTP_MANAGEMENT_PORT: String(managementPort) }
    : {}
  const child = startJava(home, args, { heap: '-Xmx1024m', extra })
  const timer = setTimeout(() => void child.end('SIGKILL'), START_TIMEOUT_MS)
  const status = await child.ended
  clearTimeout(timer)
  removeFolder(home)
  return { status, output: child.output().slice(-4000) }
}

/** A home of links to the shared build, with a data folder of its own, so that servers of one build do not meet in `data/`. */
function makeHome(build: string): string {
  const home = makeFolder('keycloak')
  for (const name of ['lib', 'conf', 'providers', 'themes']) symlinkSync(join(build, name), join(home, name))
  cpSync(join(build, 'version.txt'), join(home, 'version.txt'))
  mkdirSync(join(home, 'data', 'tmp'), { recursive: true })
  return home
}

function databaseOptions(database: Database): string[] {
  const { host, port, name, user, password } = database
  const pool = ['--db-pool-initial-size=2', '--db-pool-min-size=2', '--db-pool-max-size=30']
  return [
    `--db-url=jdbc:postgresql://${host}:${port}/${name}`,
    `--db-username=${user}`,
    `--db-password=${password}`,
    ...pool,
  ]
}

function adminVariables(version: KeycloakVersion): Record<string, string> {
  return isAtLeast(version, 26)
    ? { KC_BOOTSTRAP_ADMIN_USERNAME: ADMIN.username, KC_BOOTSTRAP_ADMIN_PASSWORD: ADMIN.password }
    : { KEYCLOAK_ADMIN: ADMIN.username, KEYCLOAK_ADMIN_PASSWORD: ADMIN.password }
}

/** What `bin/kc.sh` does in the end, without the shell between: so the child's pid is Java's, and it cannot outlive us. */
function startJava(
  home: string,
  args: readonly string[],
  options: { readonly heap: string; readonly extra: Record<string, string> },
): OwnedProcess {
  const java = process.env.JAVA_HOME === undefined ? 'java' : join(process.env.JAVA_HOME, 'bin', 'java')
  const packages = ['util', 'util.concurrent', 'security', 'lang'].map((name) => `java.base/java.${name}=ALL-UNNAMED`)
  const machine = [
    ...['-Xms256m', options.heap, '-XX:MetaspaceSize=96M', '-XX:MaxMetaspaceSize=256m', '-XX:+UseSerialGC'],
    ...['-XX:+ExitOnOutOfMemoryError'],
    ...['-Dfile.encoding=UTF-8', '-Duser.language=en', '-Duser.country=US', '-Djava.security.egd=file:/dev/urandom'],
    ...packages.map((name) => `--add-opens=${name}`),
    `-Djava.io.tmpdir=${join(home, 'data', 'tmp')}`,
    '-Djava.util.concurrent.ForkJoinPool.common.threadFactory=io.quarkus.bootstrap.forkjoin.QuarkusForkJoinWorkerThreadFactory',
    `-Dkc.home.dir=${home}`,
    `-Djboss.server.config.dir=${join(home, 'conf')}`,
    '-Djava.util.logging.manager=org.jboss.logmanager.LogManager',
    '-Dpicocli.disable.closures=true',
    '-Dquarkus-log-max-startup-records=10000',
    ...['-cp', join(home, 'lib', 'quarkus-run.jar'), 'io.quarkus.bootstrap.runner.QuarkusEntryPoint'],
  ]
  const env = { PATH: process.env.PATH ?? '', LANG: 'C.UTF-8', HOME: home, ...options.extra }
  return startProcess(java, [...machine, ...args], { cwd: home, env, orphanSignal: 'SIGKILL' })
}
