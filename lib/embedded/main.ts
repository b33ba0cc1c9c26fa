/** The program `toriki`: the command line with this machine as its worker host. `bin/toriki` comes here once Node is new enough. */
import manifest from '../../package.json' with { type: 'json' }
import type { WorkerHost } from '../cli/context.ts'
import { main } from '../cli/main.ts'
import { processTerminal } from '../cli/terminal.ts'
import { TorikiError } from '../errors.ts'
import { systemClock } from '../platform/clock.ts'

/** A launcher and a terminal may both pass on one Ctrl-C: what comes again so soon is the same one. */
const SAME_SIGNAL_MS = 1_000

/** Loaded by the commands that work queues: a restore or a question to the store does not wait for it. */
const host: WorkerHost = {
  startWorkers: async (...given) => await (await embedded()).startWorkers(...given),
  serve: async (...given) => await (await embedded()).serve(...given),
}

const interrupt = new AbortController()
const terminal = processTerminal()
let interruptedMs = Infinity

for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => {
    // A second time: the person does not want to wait. Nothing is lost by that either.
    if (systemClock.monotonicMs() - interruptedMs > SAME_SIGNAL_MS) process.exit(130)
    if (interrupt.signal.aborted) return
    interruptedMs = systemClock.monotonicMs()
    interrupt.abort(new TorikiError('interrupted', { message: 'Stopped. Nothing is lost.' }))
  })
}
// `toriki ls … | head` closes the pipe: nobody reads on, so there is nothing more to say.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))

process.exitCode = await main({
  words: process.argv.slice(2),
  terminal,
  host,
  signal: interrupt.signal,
  version: manifest.version,
})
// Sockets of a source that hangs must not keep a finished command alive.
setTimeout(() => process.exit(), 2_000).unref()

async function embedded(): Promise<WorkerHost> {
  return (await import('./worker-host.ts')).embeddedHost()
}
