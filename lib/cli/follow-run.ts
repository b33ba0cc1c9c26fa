/**
 * Starts a run (or a replay), follows it to its end, and prints its report. With workers here this process also does the work; with workers elsewhere
 * it only watches, and says so when nobody does anything.
 */
import type { Service } from '../backup/service.ts'
import { runReport } from '../backup/run-report.ts'
import { settleRun } from '../backup/settle-run.ts'
import { TorikiError } from '../errors.ts'
import { NO_CONSUMER_MS } from '../limits.ts'
import type { RunReport } from '../runs/outcome.ts'
import type { Settings } from '../settings.ts'
import { answer } from './context.ts'
import type { CommandContext, Workers } from './context.ts'
import { EXIT, exitStatusOfOutcome } from './exit-status.ts'
import { NextLook } from './next-look.ts'
import { runProgress } from './progress.ts'
import { formatReport, reportJson } from './run-summary.ts'

/** Between two looks at the run's events: short where they lie on this machine. */
const LOOK_MS = 250
const LOOK_ELSEWHERE_MS = 2_000

export async function followRun(
  context: CommandContext,
  service: Service,
  settings: Settings,
  options: { readonly detach: boolean },
  begin: (service: Service) => Promise<{ readonly run: string }>,
): Promise<number> {
  const { terminal } = context
  const { clock } = service.platform
  const progress = runProgress(terminal, clock)
  const over = new AbortController()
  const next = new NextLook(clock)
  // Slices that rest because the store has no room even for a record. Where no others are left, nobody would ever say why the run stands still.
  const resting = new Set<string>()
  let stoodStill = 0
  const watched: Service = {
    ...service,
    observer: {
      bytes: progress.observer.bytes,
      ended(ofRun, slice, event) {
        resting.delete(slice)
        progress.observer.ended(ofRun, slice, event)
        next.ended()
      },
      stuck: (slice, { code }) => void (code === 'store-full' && resting.add(slice)),
    },
  }
  const { run } = await begin(watched)
  if (options.detach) {
    answer(context, { run }, () => `Run ${run} began. \`toriki status ${run}\` shows how it goes.\n`)
    return EXIT.complete
  }
  const here = settings.workers === 'here'
  let workers: Workers | undefined
  let ending: Promise<RunReport | undefined> = Promise.resolve(undefined)
  try {
    if (here) workers = await context.host.startWorkers(watched)
    const signal = AbortSignal.any([context.signal, over.signal])
    ending = untilEnded(watched, run, {
      here,
      next,
      signal,
      show(report) {
        progress.update(report)
        stoodStill = resting.size > 0 && resting.size >= report.slices.pending ? stoodStill + 1 : 0
        // Twice in a row: an event is in the store a moment before it is told.
        if (report.open && stoodStill > 1) throw noRoom()
      },
    })
    // A queue that refuses for good ends the command with its reason.
    const report = await (workers === undefined ? ending : Promise.race([ending, workers.ended.then(() => ending)]))
    progress.clear()
    if (report === undefined) {
      terminal.err(
        here
          ? `Stopped. What was saved stays. Go on with: toriki backup\n`
          : `Run ${run} goes on elsewhere: toriki status ${run}\n`,
      )
      return here ? EXIT.interrupted : EXIT.complete
    }
    answer(context, reportJson(report), () => formatReport(terminal, report))
    return exitStatusOfOutcome(report.outcome)
  } finally {
    progress.clear()
    over.abort()
    await workers?.stop()
    await ending.catch(() => undefined) // its error, if it was the first one, is on its way already
  }
}

function noRoom(): TorikiError {
  return new TorikiError('store-full', {
    message: 'The store has no room left, not even for a record of what failed. What was saved stays.',
    remedy: 'Free space where the store lies, then go on with: toriki backup',
  })
}

/** The report of the ended run, or `undefined` when the signal came first: the person pressed Ctrl-C. */
async function untilEnded(
  service: Service,
  run: string,
  {
    here,
    next,
    signal,
    show,
  }: {
    readonly here: boolean
    readonly next: NextLook
    readonly signal: AbortSignal
    readonly show: (report: RunReport) => void
  },
): Promise<RunReport | undefined> {
  const { clock } = service.platform
  const queue = service.platform.queues.queue('backup-slice')
  const beganMs = clock.monotonicMs()
  let heard = here
  for (;;) {
    next.begins()
    const report = await runReport(service, run)
    show(report)
    if (!report.open) {
      // The next tick may be a minute away, and this process, its only worker, ends now: summary and alarms must not wait for somebody's next command.
      await settleRun(service, { run })
      return report
    }
    if (signal.aborted) return undefined
    if (!heard) {
      const { hidden } = await queue.depth()
      heard = hidden > 0 || report.slices.pending < report.slices.total
      if (!heard && clock.monotonicMs() - beganMs > NO_CONSUMER_MS)
        throw new TorikiError('no-consumer', { ids: { run } })
    }
    await next.due(report.slices.pending, here ? LOOK_MS : LOOK_ELSEWHERE_MS, signal)
    if (signal.aborted) return undefined
  }
}
