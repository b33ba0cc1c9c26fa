/** How a restore stands: the steps of its slices and what their plans say in sum, folded. Reads only; a few records a slice, and no items. */
import pLimit from 'p-limit'
import { TorikiError } from '../errors.ts'
import type { ComponentName } from '../resources/component-name.ts'
import type { SliceName } from '../resources/slice.ts'
import type { SnapshotId } from '../repository/snapshot.ts'
import { NOTHING, sumOf } from './plan-counts.ts'
import type { PlanCounts } from './plan-counts.ts'
import type { LostSummary } from './plan-summary.ts'
import { readRequest, requestedParts } from './restore-request.ts'
import type { RequestedSlice } from './restore-request.ts'
import type { RestoreService } from './service.ts'
import { hasEnded, readProgress } from './slice-log.ts'
import type { DamagedPart, Finding, Progress, RestoreStep } from './slice-log.ts'
import { findSlicePlan } from './slice-plan.ts'
import type { SlicePlan } from './slice-plan.ts'

export type RestoreOutcome = 'complete' | 'partial' | 'rolled-back' | 'rollback-failed' | 'refused'

export interface RestoreReport {
  readonly restore: string
  /** Slices are still worked on, or wait for that. */
  readonly open: boolean
  /** As far as it came; that of a restore that is open may still change. `complete`: all that was asked for is there; not so where something cannot be made here. */
  readonly outcome: RestoreOutcome
  /** Everything that was to be restored reads back as planned. */
  readonly verified: boolean
  readonly slices: {
    readonly total: number
    readonly verified: number
    readonly undone: number
    readonly refused: number
    readonly undoFailed: number
    /** Nobody works on them until the restore is resumed: a worker was given up, or they wait for a shared slice where one was. */
    readonly stopped: number
    readonly pending: number
  }
  /** Of slices that are restored and proven: what was done, by component. */
  readonly restored: Readonly<Partial<Record<ComponentName, PlanCounts>>>
  readonly proof: RestoreProof
  /** Of slices that are restored: what this target does not keep. The same for the same reason once. */
  readonly lost: readonly LostSummary[]
  /** What people must do now, each sentence once, with the first of the slices it is about. */
  readonly needsPerson: readonly {
    readonly sentence: string
    readonly count: number
    readonly slices: readonly SliceName[]
  }[]
  readonly failures: readonly RestoreFailure[]
}

/** How it was proven. */
export interface RestoreProof {
  /** Resources that were read again and are as planned. */
  readonly readBack: number
  /** Of those made: what is kept beside their state (ids, dates) was compared too. */
  readonly keptCompared: number
  /** Of those made: this target does not keep that as it was, so it was not compared; or there is none. */
  readonly keptNotCompared: number
}

export interface RestoreFailure {
  readonly slice: SliceName
  readonly code: string
  readonly message: string
  /** `damaged`: the slice is restored but for what is named, which is damaged in the store. */
  readonly outcome: 'undone' | 'undo-failed' | 'refused' | 'stopped' | 'damaged'
  readonly findings: readonly Finding[]
  /** Findings beyond those. */
  readonly more?: number
  /** Where it is kept how everything was before. */
  readonly safety?: SnapshotId
}

/** In one report; the counts are always whole. */
const FAILURES_MAX = 1000
const SENTENCES_MAX = 100
const SLICES_SHOWN = 10
const PARALLEL = 16

/** @throws TorikiError `restore-not-found`. */
export async function restoreReport(service: RestoreService, restore: string): Promise<RestoreReport> {
  const { records } = service.repository
  const fold = new Fold()
  const limit = pLimit(PARALLEL)
  for await (const part of requestedParts(records, await readRequest(records, restore))) {
    const stands = await Promise.all(
      part.slices.map(({ sliceId }) =>
        limit(async () => ({
          progress: await readProgress(records, { restore, sliceId }),
          plan: await findSlicePlan(records, { restore, sliceId }),
        })),
      ),
    )
    for (const [index, { progress, plan }] of stands.entries())
      fold.add(part.slices[index] as RequestedSlice, progress, plan)
  }
  return fold.report(restore)
}

class Fold {
  readonly #slices = { total: 0, verified: 0, undone: 0, refused: 0, undoFailed: 0, stopped: 0, pending: 0 }
  readonly #restored = new Map<ComponentName, PlanCounts>()
  #cannot = 0
  readonly #proof = { readBack: 0, keptCompared: 0, keptNotCompared: 0 }
  readonly #lost = new Map<string, LostSummary>()
  readonly #needs = new Map<string, { sentence: string; count: number; slices: SliceName[] }>()
  readonly #failures: RestoreFailure[] = []
  #isSharedStopped = false
  #isLeftHalfWay = false
  #isDamaged = false

  add({ slice }: RequestedSlice, progress: Progress, plan: SlicePlan | undefined): void {
    const { last, stopped, safety } = progress
    this.#slices.total++
    if (stopped !== undefined) {
      this.#isSharedStopped ||= slice === 'shared'
      this.#isLeftHalfWay ||= last !== undefined
      this.#slices.stopped++
      const { code, why: message } = stopped
      this.#fail({
        ...{ slice, code, message, outcome: 'stopped', findings: [] },
        ...(safety === undefined ? {} : { safety }),
      })
      return
    }
    // `shared` comes first.
    if (last === undefined && this.#isSharedStopped) this.#slices.stopped++
    else if (last === undefined || !hasEnded(progress)) this.#slices.pending++
    else this.#slices[countOf(last)]++
    if (last?.step === 'verified') {
      if (plan !== undefined) this.#addRestored(slice, plan, last.damaged?.counts ?? {})
      if (last.damaged !== undefined) this.#addDamaged(slice, last.damaged)
    }
    if (last?.step !== 'undone' && last?.step !== 'undo-failed' && last?.step !== 'refused') return
    const { step: outcome, code, why: message, findings, more } = last
    this.#fail({
      ...{ slice, code, message, outcome, findings },
      ...(more === undefined ? {} : { more }),
      ...(safety === undefined ? {} : { safety }),
    })
  }

  #fail(failure: RestoreFailure): void {
    if (this.#failures.length < FAILURES_MAX) this.#failures.push(failure)
  }

  #addDamaged(slice: SliceName, { findings, more }: DamagedPart): void {
    this.#isDamaged = true
    const { code, message } = new TorikiError('restore-damaged')
    this.#fail({ slice, code, message, outcome: 'damaged', findings, ...(more === undefined ? {} : { more }) })
  }

  #addRestored(slice: SliceName, { components, lost, needsPerson }: SlicePlan, damaged: DamagedPart['counts']): void {
    for (const [name, planned] of Object.entries(components) as [
      ComponentName,
      NonNullable<(typeof components)['files']>,
    ][]) {
      const { create = 0, update = 0 } = damaged[name] ?? {}
      const counts = {
        ...planned,
        create: planned.create - create,
        update: planned.update - update,
        cannot: planned.cannot + create + update,
        kept: Math.max(0, planned.kept - create - update),
      }
      this.#restored.set(name, sumOf([this.#restored.get(name) ?? NOTHING, counts]))
      this.#cannot += counts.cannot
      const made = counts.create + counts.update
      this.#proof.readBack += made + counts.delete
      this.#proof.keptCompared += counts.kept
      this.#proof.keptNotCompared += made - counts.kept
    }
    for (const one of lost) {
      const key = `${one.component} ${one.field} ${one.reason}`
      const known = this.#lost.get(key)
      if (known !== undefined) this.#lost.set(key, { ...known, count: known.count + one.count })
      else if (this.#lost.size < SENTENCES_MAX) this.#lost.set(key, one)
    }
    for (const { sentence, count } of needsPerson) {
      const known = this.#needs.get(sentence)
      if (known === undefined) {
        if (this.#needs.size < SENTENCES_MAX) this.#needs.set(sentence, { sentence, count, slices: [slice] })
        continue
      }
      known.count += count
      if (known.slices.length < SLICES_SHOWN) known.slices.push(slice)
    }
  }

  report(restore: string): RestoreReport {
    const slices = { ...this.#slices }
    return {
      ...{ restore, open: slices.pending > 0, outcome: outcomeOf(slices, this.#cannot, this.#isLeftHalfWay) },
      ...{ verified: slices.verified === slices.total && !this.#isDamaged, slices },
      restored: Object.fromEntries(this.#restored),
      proof: { ...this.#proof },
      lost: [...this.#lost.values()],
      needsPerson: [...this.#needs.values()],
      failures: this.#failures,
    }
  }
}

function countOf({ step }: RestoreStep): 'verified' | 'undone' | 'refused' | 'undoFailed' {
  if (step === 'verified' || step === 'refused') return step
  return step === 'undone' ? 'undone' : 'undoFailed'
}

function outcomeOf(
  { verified, total, undone, undoFailed }: RestoreReport['slices'],
  cannot: number,
  isLeftHalfWay: boolean,
): RestoreOutcome {
  if (verified === total) return cannot === 0 ? 'complete' : 'partial'
  if (undoFailed > 0 || isLeftHalfWay) return 'rollback-failed'
  if (verified > 0) return 'partial'
  return undone > 0 ? 'rolled-back' : 'refused'
}
