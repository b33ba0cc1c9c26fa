import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cached, cacheFolder } from './cache-folder.ts'
import { ensureJava } from './install.ts'
import { runToEnd } from './owned-process.ts'
import { serveOnPort, type LocalServer } from './serve-on-port.ts'
import type { StandingClock } from './standing-clock.ts'

const VERSION = '1.7.1'

/** An SQS server of our own on 127.0.0.1, without queues, with SQS's limits kept strictly: ElasticMQ, from Maven (37 MB). */
export async function startElasticMq(clock?: StandingClock): Promise<LocalServer> {
  const libraries = await installElasticMq()
  return await serveOnPort('elasticmq', (port, folder) => {
    writeFileSync(join(folder, 'elasticmq.conf'), configuration(port))
    return {
      program: 'java',
      args: [
        ...['-Xmx192m', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Dconfig.file=elasticmq.conf'],
        ...['-cp', join(libraries, '*'), 'org.elasticmq.server.Main'],
      ],
      ...(clock === undefined ? {} : { env: clock.environment(folder) }),
    }
  })
}

function configuration(port: number): string {
  return `include classpath("application.conf")
node-address { protocol = http, host = "127.0.0.1", port = ${port} }
rest-sqs { enabled = true, bind-port = ${port}, bind-hostname = "127.0.0.1", sqs-limits = strict }
rest-stats { enabled = false }
`
}

function installElasticMq(): Promise<string> {
  return cached(`elasticmq-${VERSION}`, async (unfinished) => {
    await ensureJava(['java', 'mvn'])
    const project = `${unfinished}.project`
    mkdirSync(project, { recursive: true })
    writeFileSync(
      join(project, 'pom.xml'),
      `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>test</groupId><artifactId>servers</artifactId><version>1</version>
<dependencies><dependency><groupId>org.elasticmq</groupId><artifactId>elasticmq-server_2.13</artifactId><version>${VERSION}</version></dependency></dependencies>
</project>\n`,
    )
    const repository = `-Dmaven.repo.local=${join(cacheFolder(), 'm2')}`
    const goal = ['-q', '-B', '-f', join(project, 'pom.xml'), 'dependency:copy-dependencies']
    await runToEnd('mvn', [...goal, `-DoutputDirectory=${unfinished}`, repository])
    rmSync(project, { recursive: true })
    if (!existsSync(join(unfinished, `elasticmq-server_2.13-${VERSION}.jar`)))
      throw new Error('Maven brought no ElasticMQ.')
  })
}
