import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cached, cacheFolder } from './cache-folder.ts'
import { ensureJava } from './install.ts'
import { runToEnd } from './owned-process.ts'
import { serveOnPort, type LocalServer } from './serve-on-port.ts'

const VERSION = '1.7.1'
/** A compiler that needs no more than Java's runtime. */
const COMPILER = '3.40.0'

export interface ElasticMq extends LocalServer {
  /** Turns the server's clock to this moment, where it stands still. Only for one that was started with `standsAt`. */
  setTime(moment: Date): void
}

/**
 * An SQS server of our own on 127.0.0.1, without queues, with SQS's limits kept strictly: ElasticMQ, from Maven (37 MB). With `standsAt` its clock stands still there
 * until it is turned; timers, such as the end of a long poll, go on in real time.
 */
export async function startElasticMq(options: { readonly standsAt?: Date } = {}): Promise<ElasticMq> {
  const libraries = await installElasticMq()
  const { standsAt } = options
  const classes = standsAt === undefined ? [] : [await compileStandingClock(libraries)]
  let file = ''
  const setTime = (moment: Date): void => {
    // By rename: the server must never read half a time.
    writeFileSync(`${file}.new`, String(moment.getTime()))
    renameSync(`${file}.new`, file)
  }
  const server = await serveOnPort('elasticmq', (port, folder) => {
    writeFileSync(join(folder, 'elasticmq.conf'), configuration(port))
    file = join(folder, 'time')
    if (standsAt !== undefined) setTime(standsAt)
    return {
      program: 'java',
      args: [
        ...['-Xmx192m', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC'],
        ...[`-Dstanding.clock=${file}`, '-Dconfig.file=elasticmq.conf'],
        // What stands first is found first.
        ...['-cp', [...classes, join(libraries, '*')].join(':'), 'org.elasticmq.server.Main'],
      ],
    }
  })
  return { ...server, setTime }
}

function configuration(port: number): string {
  return `include classpath("application.conf")
node-address { protocol = http, host = "127.0.0.1", port = ${port} }
rest-sqs { enabled = true, bind-port = ${port}, bind-hostname = "127.0.0.1", sqs-limits = strict }
rest-stats { enabled = false }
`
}

function installElasticMq(): Promise<string> {
  return copyDependencies(`elasticmq-${VERSION}`, 'org.elasticmq', 'elasticmq-server_2.13', VERSION)
}

/** Classes that stand before ElasticMQ's own and ask a file for the time: see standing-clock/. */
async function compileStandingClock(libraries: string): Promise<string> {
  const compiler = await copyDependencies(`ecj-${COMPILER}`, 'org.eclipse.jdt', 'ecj', COMPILER)
  return cached(`elasticmq-${VERSION}-standing`, async (unfinished) => {
    const sources = fileURLToPath(new URL('./standing-clock', import.meta.url))
    const options = ['-source', '11', '-target', '11', '-d', unfinished, sources]
    await runToEnd('java', ['-jar', join(compiler, `ecj-${COMPILER}.jar`), ...options])
    const classes = [unfinished, join(libraries, '*')].join(':')
    await runToEnd('java', ['-cp', classes, 'standing.Patch', unfinished])
  })
}

/** A folder with an artefact of Maven's and all that it needs. */
function copyDependencies(name: string, group: string, artefact: string, version: string): Promise<string> {
  return cached(name, async (unfinished) => {
    await ensureJava(['java', 'mvn'])
    const project = `${unfinished}.project`
    mkdirSync(project, { recursive: true })
    writeFileSync(
      join(project, 'pom.xml'),
      `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>test</groupId><artifactId>servers</artifactId><version>1</version>
<dependencies><dependency><groupId>${group}</groupId><artifactId>${artefact}</artifactId><version>${version}</version></dependency></dependencies>
</project>\n`,
    )
    const repository = `-Dmaven.repo.local=${join(cacheFolder(), 'm2')}`
    const goal = ['-q', '-B', '-f', join(project, 'pom.xml'), 'dependency:copy-dependencies']
    await runToEnd('mvn', [...goal, `-DoutputDirectory=${unfinished}`, repository])
    rmSync(project, { recursive: true })
    if (!existsSync(join(unfinished, `${artefact}-${version}.jar`))) throw new Error(`Maven brought no ${artefact}.`)
  })
}
