/** Runs whose workers are other processes than the command that begins them: as in a cluster, or beside functions. */
import { setTimeout as sleep } from 'node:timers/promises'
import { TorikiError } from '../../../lib/errors.ts'
import type { CommandResult } from '../command-line.ts'
import type { Nebari, Report } from './nebari.ts'

const LOOK_MS = 300

/** The run that is open, begun by this call when there is none. */
export async function runUnderWay(nebari: Nebari): Promise<string> {
  const [last] = await nebari.json<readonly Report[]>('runs', '--limit', '1')
  return last?.open === true ? last.run : (await nebari.json<{ readonly run: string }>('backup', '--detach')).run
}

/** Resolves when the run is over, or at the signal. */
export async function untilRunEnds(nebari: Nebari, run: string, signal: AbortSignal): Promise<'ended' | 'aborted'> {
  while (!signal.aborted) {
    if (!(await nebari.json<Report>('status', run)).open) return 'ended'
    await sleep(LOOK_MS)
  }
  return 'aborted'
}

/** Works in this process until the run under way is over; gives what `status` says of it then. */
export async function workToTheEnd(nebari: Nebari): Promise<CommandResult> {
  const run = await runUnderWay(nebari)
  const stop = new AbortController()
  const working = nebari.toriki(['work'], { signal: stop.signal })
  await untilRunEnds(nebari, run, stop.signal)
  stop.abort(new TorikiError('interrupted'))
  await working
  return await nebari.toriki(['--json', 'status', run])
}
