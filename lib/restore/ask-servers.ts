/** Whether a restore may write into a home in which somebody may be working: what the plan says of it, and what is asked again before the first write. */
import { TorikiError } from '../errors.ts'
import type { ServerAnswer } from '../components/running-servers.ts'
import type { Slice } from '../resources/slice.ts'
import type { RestoreService } from './service.ts'

export interface ServerCare {
  /** Nothing is written while a server of the person runs. */
  readonly whileStopped: boolean
  /** For people, without names. */
  readonly notes: readonly string[]
}

const NOBODY_ASKED =
  'No JupyterHub is configured, so nobody could be asked whether a server of this person is running: what is open there may write over what is restored.'
const TOLD = 'A server of this person may be running; it was asked for to restore nevertheless.'
const RUNS =
  'A server of this person is running: applying is refused until it is stopped, unless planned with --while-running.'

/** For a home that has something in it and is restored in place. Asks, and writes nothing. */
export async function careForServers(
  service: RestoreService,
  slice: Slice,
  { whileRunning }: { readonly whileRunning: boolean },
  signal: AbortSignal,
): Promise<ServerCare> {
  if (service.servers === undefined) return { whileStopped: false, notes: [NOBODY_ASKED] }
  if (whileRunning) return { whileStopped: false, notes: [TOLD] }
  const answer = await ask(service, slice, signal)
  if (answer.kind === 'no') return { whileStopped: true, notes: [] }
  return {
    whileStopped: true,
    notes: [
      answer.kind === 'yes'
        ? RUNS
        : `${answer.why} Applying is refused until it can be asked, unless planned with --while-running.`,
    ],
  }
}

/** Why nothing may be written now; `undefined`: no server runs. */
export async function serverHindrance(
  service: RestoreService,
  slice: Slice,
  signal: AbortSignal,
): Promise<TorikiError | undefined> {
  // Where it was planned somebody could be asked.
  const answer: ServerAnswer =
    service.servers === undefined
      ? { kind: 'unknown', why: 'No JupyterHub is configured here.' }
      : await ask(service, slice, signal)
  if (answer.kind === 'no') return undefined
  if (answer.kind === 'yes') return new TorikiError('restore-server-runs')
  return new TorikiError('restore-server-unknown', { message: answer.why })
}

async function ask({ servers, platform }: RestoreService, slice: Slice, signal: AbortSignal): Promise<ServerAnswer> {
  if (servers === undefined || slice.kind !== 'user') return { kind: 'no' }
  return await servers.ask(slice.local.toString('utf8'), { clock: platform.clock, signal })
}
