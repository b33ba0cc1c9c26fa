import { freePorts } from './free-port.ts'
import { makeFolder, removeFolder, startProcess, sweepFolders, type OwnedProcess } from './owned-process.ts'
import { waitUntil } from './wait-until.ts'

export interface LocalServer {
  /** `http://127.0.0.1:<port>` */
  readonly endpoint: string
  readonly pid: number
  readonly folder: string
  stop(): Promise<void>
}

/** How one server is started on a port, in a folder of its own. */
export interface ServerCommand {
  readonly program: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

/**
 * Starts a server on a free port of 127.0.0.1, waits until it answers HTTP (with whatever status), and gives its address. A port that another process took meanwhile
 * is tried again. `stop` ends it by its pid and removes its folder.
 */
export async function serveOnPort(
  name: string,
  command: (port: number, folder: string) => ServerCommand,
): Promise<LocalServer> {
  sweepFolders()
  const folder = makeFolder(name)
  for (let attempt = 1; ; attempt++) {
    const [port = 0] = await freePorts(1)
    const endpoint = `http://127.0.0.1:${port}`
    const { program, args, env } = command(port, folder)
    const server: OwnedProcess = startProcess(program, args, {
      cwd: folder,
      env: { PATH: process.env.PATH ?? '', HOME: folder, ...env },
    })
    try {
      await waitUntil(`${name} answers`, async () => (await fetch(endpoint)).status, {
        timeoutMs: 60_000,
        giveUp: () => (server.hasEnded() ? `it ended: ${server.output().slice(-2000)}` : undefined),
      })
      server.letGo()
      return {
        endpoint,
        pid: server.pid,
        folder,
        async stop() {
          await server.end('SIGTERM', 3000)
          removeFolder(folder)
        },
      }
    } catch (error) {
      await server.end('SIGKILL')
      if (attempt === 3 || !/in use/i.test(server.output())) {
        removeFolder(folder)
        throw error
      }
    }
  }
}
