/** `toriki work`: a consumer of the queues, until it is stopped. Ends with an error when a queue refuses for good, so that its host starts it anew or tells somebody. */
import { rm, writeFile } from 'node:fs/promises'
import { toTorikiError } from '../../errors.ts'
import type { Clock } from '../../platform/clock.ts'
import { answer } from '../context.ts'
import type { CommandContext, WorkerFunction } from '../context.ts'
import { EXIT } from '../exit-status.ts'
import { untilAborted, withService } from '../session.ts'

export interface WorkOptions {
  readonly only?: readonly WorkerFunction[]
  readonly alive?: string
}

/** The file is never older than this while the worker turns. */
const ALIVE_EVERY_MS = 15_000

export async function work(context: CommandContext, { only, alive }: WorkOptions): Promise<number> {
  return await withService(
    context,
    async ({ service, settings }) => {
      const workers = await context.host.startWorkers(service, only, settings)
      const over = new AbortController()
      const signal = AbortSignal.any([context.signal, over.signal])
      const beating = alive === undefined ? Promise.resolve() : keepAlive(alive, service.platform.clock, signal)
      context.terminal.err(
        `Working on the queues of ${settings.deployment}${only === undefined ? '' : ` (${only.join(', ')})`}. Ctrl-C ends it when the slices in work are done.
`,
      )
      try {
        await Promise.race([untilAborted(context.signal), workers.ended, beating.then(() => untilAborted(signal))])
        context.terminal.err('Stopping: taking nothing new, finishing what is in work.\n')
      } finally {
        over.abort()
        await workers.stop()
        await beating.catch(() => undefined) // its error, if it was the first one, is on its way already
      }
      answer(context, { stopped: true }, () => 'Stopped. Nothing is lost.\n')
      return EXIT.complete
    },
    { keepsInOrder: true },
  )
}

/** Keeps the file young until the signal, then removes it. @throws TorikiError `internal` when it cannot be written. */
async function keepAlive(file: string, clock: Clock, signal: AbortSignal): Promise<void> {
  try {
    while (!signal.aborted) {
      await writeFile(file, `${clock.now().toISOString()}\n`)
      await clock.sleep(ALIVE_EVERY_MS, signal).catch(() => undefined) // aborted: the loop ends by itself
    }
  } catch (error) {
    throw toTorikiError(error)
  }
  await rm(file, { force: true })
}
