/**
 * Opens a run: lists who there is, records the slices and the run, and sends a message per slice. A trigger delivered again finds its run (the run's id comes from
 * the time the schedule meant, or from the invocation's id) and sends what nobody has reported on yet.
 *
 * One full run at a time: a second one is refused while one is open, an expired one is settled first. Narrowed runs never conflict.
 */
import { createHash } from 'node:crypto'
import { TorikiError } from '../errors.ts'
import type { ComponentName } from '../resources/component-name.ts'
import type { SliceName } from '../resources/slice.ts'
import { policyOfRunId, runId } from '../runs/run-id.ts'
import { runIdsNewestFirst } from '../runs/run-index.ts'
import {
  cancelledAt,
  claimTrigger,
  createRun,
  findRun,
  nextTick,
  readRun,
  readTriggerClaim,
  recordCancelled,
} from '../runs/run-log.ts'
import { sliceStates } from '../runs/slice-states.ts'
import type { RunRecord, RunRecords, RunSlice, Selection } from '../runs/run.ts'
import { listMembers, selectMembers } from './members.ts'
import type { MemberRecord } from './members.ts'
import { sendSlices } from './send-slices.ts'
import { sendTick } from './send-tick.ts'
import type { Service } from './service.ts'
import { settleRun } from './settle-run.ts'

export interface Trigger {
  /** The time that the schedule meant. Absent: now. */
  readonly intendedAt?: Date
  /** The same for every delivery of one trigger: an invocation's id. Absent, with no intended time: every call is a trigger of its own. */
  readonly invocation?: string
  /** Absent or empty: everything, a full run. */
  readonly selection?: Selection
}

export interface StartedRun {
  readonly run: string
  readonly policy: RunRecord['policy']
  readonly slices: number
  /** The trigger had opened this run before. */
  readonly resumed: boolean
}

/** Two starts side by side mean times that are not further apart. */
const RIVALS_WITHIN_MS = 86_400_000

/**
 * @throws TorikiError `run-open` (ids: the open run), `run-cancelled` when the trigger's run was cancelled meanwhile, `slice-unknown`, `message-invalid` for a
 * selection that selects nothing or a component that is not configured, `source-unreachable` when there is nobody at all, and never was.
 */
export async function startRun(
  service: Service,
  trigger: Trigger,
  deadline: { readonly signal: AbortSignal },
): Promise<StartedRun> {
  const { records } = service.repository
  const { clock, random } = service.platform
  const selection = narrowed(trigger.selection)
  const components = componentsOf(service, selection)
  const policy = selection === undefined ? 'full' : 'narrowed'
  const cause = causeOf(trigger, selection, () => random.bytes(16).toString('hex'))
  const calledAt = clock.now()
  const wantedAt = await meantAt(records, trigger, cause, calledAt)
  const before = await findRun(records, runId(wantedAt, policy, cause))
  if (before !== undefined) return await resume(service, before)
  const open = policy === 'full' ? await openFullRun(service) : undefined
  if (open !== undefined) {
    // Another delivery of this trigger may have opened it since we looked.
    if (open.run === runId(await meantAt(records, trigger, cause, calledAt), policy, cause))
      return await resume(service, open)
    throw new TorikiError('run-open', { ids: { run: open.run } })
  }

  const { members, unreachable, sources } = await listMembers(service, deadline.signal)
  const chosen = selectMembers(members, selection)
  // A source that lists nobody where there were people is a run of its own, without slices: recorded and told as suspect, night after night.
  const emptied = policy === 'full' && Object.values(sources).some(({ suspect }) => suspect !== undefined)
  if (chosen.length === 0 && !emptied) throw nobody(unreachable.length > 0)
  // Deliveries of one invocation that do not see each other have each their own time, and hence id: the first to get here gives it to all.
  const { intendedAt } = isRetried(trigger) ? await claimTrigger(records, cause, wantedAt) : { intendedAt: wantedAt }
  const run = {
    run: runId(intendedAt, policy, cause),
    policy,
    intendedAt: intendedAt.toISOString(),
    startedAt: clock.now().toISOString(),
    components,
    ...(selection === undefined ? {} : { selection }),
    slicesNonce: random.bytes(8).toString('hex'),
    sources: Object.fromEntries(
      Object.entries(sources).filter(([name]) => (components as readonly string[]).includes(name)),
    ),
    attemptsMax: service.limits.attempts,
    visibilityMs: service.limits.visibilityMs,
  } as const
  const slices = sliceList(service, chosen)
  if ((await createRun(records, run, slices)) === 'exists')
    return await resume(service, await readRun(records, run.run))
  if (policy === 'full') await yieldToOther(service, run.run)
  await enqueue(
    service,
    run,
    slices.map(({ slice }) => slice),
  )
  return { run: run.run, policy, slices: slices.length, resumed: false }
}

/** What `startRun` would back up. Writes nothing. */
export async function previewRun(
  service: Service,
  selection: Selection | undefined,
  deadline: { readonly signal: AbortSignal },
): Promise<readonly MemberRecord[]> {
  const chosen = narrowed(selection)
  componentsOf(service, chosen)
  const { members } = await listMembers(service, deadline.signal)
  return selectMembers(members, chosen)
}

function nobody(isUnreachable: boolean): TorikiError {
  return isUnreachable
    ? new TorikiError('source-unreachable', { message: 'No component could say who there is.' })
    : new TorikiError('source-unreachable', {
        message: 'The components answer, but know no user and no group.',
        remedy: 'Check `components` in the settings: the root of the files and its path templates, the realm.',
      })
}

/** A selection without a word in it is none. */
function narrowed(selection: Selection | undefined): Selection | undefined {
  return selection === undefined || Object.values(selection).every((value) => value === undefined)
    ? undefined
    : selection
}

function componentsOf(service: Service, selection: Selection | undefined): readonly ComponentName[] {
  const configured = service.components.map(({ name }) => name)
  const unknown = selection?.components?.find((name) => !configured.includes(name))
  if (unknown !== undefined)
    throw new TorikiError('message-invalid', {
      message: `The component ${unknown} is not configured.`,
      remedy: 'Name a configured component, or add it to the settings.',
    })
  return selection?.components === undefined
    ? configured
    : configured.filter((name) => selection.components?.includes(name))
}

/** What tells one trigger from another: an invocation, or the schedule's time (which is in the id itself), and what was asked for. */
function causeOf({ invocation, intendedAt }: Trigger, selection: Selection | undefined, chance: () => string): string {
  const who =
    intendedAt === undefined ? (invocation === undefined ? `once ${chance()}` : `invocation ${invocation}`) : 'schedule'
  return selection === undefined
    ? who
    : `${who} ${createHash('sha256').update(JSON.stringify(selection)).digest('hex')}`
}

/** The time in the run's id: the schedule's, that of the trigger's first delivery, or now. */
async function meantAt(records: RunRecords, trigger: Trigger, cause: string, now: Date): Promise<Date> {
  const claim = isRetried(trigger) ? await readTriggerClaim(records, cause) : undefined
  return claim?.intendedAt ?? trigger.intendedAt ?? now
}

/** Has it no time of its own, and may it come again? */
function isRetried({ intendedAt, invocation }: Trigger): boolean {
  return intendedAt === undefined && invocation !== undefined
}

/**
 * Goes on with an open run whose start may have been cut off: tick and messages once more for what nobody has reported on.
 * @throws TorikiError `run-not-found`, `run-cancelled`.
 */
export async function resumeRun(service: Service, run: string): Promise<StartedRun> {
  return await resume(service, await readRun(service.repository.records, run))
}

/** The trigger came again: tick and messages once more for what nobody reported on. Consumers drop what they have. */
async function resume(service: Service, run: RunRecord): Promise<StartedRun> {
  const { records } = service.repository
  if ((await cancelledAt(records, run.run)) !== undefined)
    throw new TorikiError('run-cancelled', { ids: { run: run.run } })
  const started: StartedRun = { run: run.run, policy: run.policy, slices: run.slicesTotal, resumed: true }
  if (!(await settleRun(service, { run: run.run })).open) return started
  const unheard: SliceName[] = []
  for await (const { slice, fold } of sliceStates(records, run, { withoutBodies: true }))
    if (fold.highest === 0) unheard.push(slice.slice)
  await enqueue(service, run, unheard)
  return started
}

/** The newest full run, if it is open. Expired and ended runs get their summary on the way. */
async function openFullRun(service: Service): Promise<RunRecord | undefined> {
  const { records } = service.repository
  for await (const id of runIdsNewestFirst(records, service.platform.clock.now())) {
    const run = policyOfRunId(id) === 'full' ? await findRun(records, id) : undefined
    if (run !== undefined) return (await settleRun(service, { run: id })).open ? run : undefined
  }
  return undefined
}

/**
 * Two starts that did not see each other: the one with the smaller id stays, the other cancels its own. Two full runs side by side would do no harm but
 * double work, so this need not be watertight.
 */
async function yieldToOther(service: Service, own: string): Promise<void> {
  const { records } = service.repository
  const now = service.platform.clock.now()
  const oldest = runId(new Date(now.getTime() - RIVALS_WITHIN_MS), 'full', '')
  for await (const id of runIdsNewestFirst(records, now)) {
    if (id < oldest) return
    const rival = id < own && policyOfRunId(id) === 'full'
    if (!rival || (await findRun(records, id)) === undefined || !(await settleRun(service, { run: id })).open) continue
    await recordCancelled(records, own, now, 'run-open')
    throw new TorikiError('run-open', { ids: { run: id } })
  }
}

/** Ascending by slice id: the order in which listings of events come. */
function sliceList(service: Service, members: readonly MemberRecord[]): readonly RunSlice[] {
  const slices = members.map((member) => ({ ...member, sliceId: service.repository.sliceId(member.slice, 1) }))
  return slices.sort((a, b) => (a.sliceId < b.sliceId ? -1 : 1))
}

/** The first tick, then the messages. */
async function enqueue(
  service: Service,
  run: Pick<RunRecord, 'run' | 'selection'>,
  slices: readonly SliceName[],
): Promise<void> {
  await sendTick(service, run.run, await nextTick(service.repository.records, run.run))
  await sendSlices(service, run, slices)
}
