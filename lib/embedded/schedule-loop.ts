/** The schedule on one machine: fires at the times of a cron expression in its time zone (DST as croner has it: a skipped hour fires after the gap, a doubled one once). */
import { Cron } from 'croner'
import type { Clock } from '../platform/clock.ts'

/** A sleep of days would miss a changed clock or a suspended machine: the time is looked at again this often. */
const LOOK_AGAIN_MS = 60_000

/** The next time after `from`, or `undefined` when the expression never fires again. */
export function nextFire(schedule: { readonly cron: string; readonly timezone: string }, from: Date): Date | undefined {
  return new Cron(schedule.cron, { timezone: schedule.timezone, paused: true }).nextRun(from) ?? undefined
}

/**
 * Calls `fire` with the intended time, once per time, one after another, until the signal. Times that passed while `fire` ran or the machine slept
 * are made up by one call: the newest of them.
 */
export async function scheduleLoop(
  schedule: { readonly cron: string; readonly timezone: string },
  clock: Clock,
  events: { readonly scheduled: (next: Date) => void; readonly fire: (intended: Date) => Promise<void> },
  signal: AbortSignal,
): Promise<void> {
  let after = clock.now()
  while (!signal.aborted) {
    let next = nextFire(schedule, after)
    if (next === undefined) return
    events.scheduled(next)
    while (clock.now() < next) {
      await clock.sleep(Math.min(LOOK_AGAIN_MS, next.getTime() - clock.now().getTime()), signal).catch(() => undefined) // aborted: the loops end by themselves
      if (signal.aborted) return
    }
    for (
      let later = nextFire(schedule, next);
      later !== undefined && later <= clock.now();
      later = nextFire(schedule, later)
    )
      next = later
    await events.fire(next)
    after = next
  }
}
