/**
 * Which snapshots of a slice are kept, and why: per component, so that a night in which one source was down pushes out nothing of it. Pure.
 *
 * What counts for a component is a snapshot that holds it and is to be believed. Of these are kept the newest `last`, and the newest of each of the newest `daily`
 * days, `weekly` ISO weeks, `monthly` months and `yearly` years that have any, and all that are not older than `keepWithinMs`. The newest is always kept. A suspect one
 * is kept while nothing newer is to be believed: a person may yet accept it; it never pushes out another. The whole history goes once a person has been gone for `leftMs`.
 */
import { TorikiError } from '../errors.ts'
import type { SnapshotId } from '../repository/snapshot.ts'
import type { Retention } from '../backup/service.ts'
import { calendarIn } from './calendar.ts'

export type RetentionPolicy = Omit<Retention, 'runsMs'>

export interface RetentionCandidate {
  readonly id: SnapshotId
  readonly time: Date
  /** What it holds, and whether that is to be believed. */
  readonly components: Readonly<Record<string, 'trusted' | 'suspect'>>
  /** Of the safety snapshot of a restore: is that restore still open? */
  readonly safetyOf?: 'open' | 'closed'
}

export interface RetentionDecision {
  readonly keep: boolean
  /** Of what is kept: `files: daily 2026-11-21`; of what goes: one sentence. At least one. */
  readonly reasons: readonly string[]
}

const calendarRules = ['daily', 'weekly', 'monthly', 'yearly'] as const

export function keepsSomething(policy: RetentionPolicy): boolean {
  const { last = 0, daily = 0, weekly = 0, monthly = 0, yearly = 0, keepWithinMs = 0 } = policy
  return last + daily + weekly + monthly + yearly + keepWithinMs > 0
}

/**
 * @throws TorikiError `settings-invalid` for a policy that keeps nothing by count or by age: forgetting by it would leave one snapshot of everything.
 */
export function checkPolicy(policy: RetentionPolicy): void {
  if (keepsSomething(policy)) return
  throw new TorikiError('settings-invalid', {
    message:
      'The retention policy keeps nothing: neither last, daily, weekly, monthly, yearly nor keepWithin is above 0.',
    remedy: 'Say under `retention` what is to be kept, such as { last: 3, daily: 7, weekly: 4, monthly: 12 }.',
  })
}

/**
 * A decision for each candidate. `goneSince`: when the person was last seen by a backup that is to be believed, of somebody whom the newest such no longer saw.
 * The order of the candidates does not matter. @throws what `checkPolicy` throws.
 */
export function decideRetention(
  candidates: readonly RetentionCandidate[],
  policy: RetentionPolicy,
  now: Date,
  goneSince?: Date,
): ReadonlyMap<SnapshotId, RetentionDecision> {
  checkPolicy(policy)
  const reasons = new Map<SnapshotId, string[]>(candidates.map(({ id }) => [id, []]))
  const keep = (id: SnapshotId, reason: string): void => void reasons.get(id)?.push(reason)
  const hasLeft =
    goneSince !== undefined && policy.leftMs !== undefined && now.getTime() - goneSince.getTime() > policy.leftMs
  const ordinary: RetentionCandidate[] = []
  for (const candidate of [...candidates].sort(newestFirst)) {
    if (candidate.safetyOf === undefined) ordinary.push(candidate)
    else if (candidate.safetyOf === 'open') keep(candidate.id, 'a restore that may still be taken back')
  }
  if (!hasLeft) {
    const components = new Set(ordinary.flatMap((candidate) => Object.keys(candidate.components)))
    for (const component of [...components].sort()) keepOf(component, ordinary, policy, now, keep)
  }
  const otherwise = hasLeft ? 'the person left, and the time for that is over' : 'no rule keeps it'
  return new Map(
    [...reasons].map(([id, why]) => [id, { keep: why.length > 0, reasons: why.length > 0 ? why : [otherwise] }]),
  )
}

function keepOf(
  component: string,
  candidates: readonly RetentionCandidate[],
  policy: RetentionPolicy,
  now: Date,
  keep: (id: SnapshotId, reason: string) => void,
): void {
  const bucketsAt = calendarIn(policy.timezone)
  const taken = {
    daily: new Set<string>(),
    weekly: new Set<string>(),
    monthly: new Set<string>(),
    yearly: new Set<string>(),
  }
  let trusted = 0
  for (const { id, time, components } of candidates) {
    const belief = components[component]
    if (belief === 'suspect' && trusted === 0) keep(id, `${component}: suspect, may yet be accepted`)
    if (belief !== 'trusted') continue
    trusted++
    if (trusted <= (policy.last ?? 0)) keep(id, `${component}: last ${trusted}`)
    else if (trusted === 1) keep(id, `${component}: the newest`)
    const at = bucketsAt(time)
    for (const rule of calendarRules) {
      // Newest first: what lies in a bucket that is taken is older than what took it.
      if (taken[rule].size >= (policy[rule] ?? 0) || taken[rule].has(at[rule])) continue
      taken[rule].add(at[rule])
      keep(id, `${component}: ${rule} ${at[rule]}`)
    }
    if (policy.keepWithinMs !== undefined && now.getTime() - time.getTime() <= policy.keepWithinMs)
      keep(id, `${component}: within the time in which all are kept`)
  }
}

/** By id where the times agree: ids hold the time that a run was meant for. */
function newestFirst(a: RetentionCandidate, b: RetentionCandidate): number {
  return b.time.getTime() - a.time.getTime() || (a.id < b.id ? 1 : -1)
}
