/** One slice of a restore, while it is worked on: its plan, what the plan touches, and how that is read live. */
import { TorikiError } from '../errors.ts'
import type { Naming } from '../components/naming.ts'
import type { WriteContext, WriteOptions } from '../components/writer.ts'
import { compareKeys } from '../resources/key.ts'
import type { ResourceKey } from '../resources/key.ts'
import type { ComponentName } from '../resources/component-name.ts'
import type { FileReading } from '../resources/file-reading.ts'
import type { Resource } from '../resources/resource.ts'
import { parseSlice } from '../resources/slice.ts'
import type { Slice } from '../resources/slice.ts'
import type { HeldParts } from './held-parts.ts'
import type { LookRequest } from './live-look.ts'
import { each, inBatches, lookInBatches } from './in-batches.ts'
import { mergeAscending } from './merge-ascending.ts'
import type { PlanCounts } from './plan-counts.ts'
import type { RestoreService } from './service.ts'
import type { PlanItem } from './planned-item.ts'
import type { SlicePlan } from './slice-plan.ts'

export interface SliceDelivery {
  readonly restore: string
  readonly sliceId: string
  readonly options: WriteOptions
  /** How things are called where they go, but for a folder beside, which the plan says. Absent: as they were. */
  readonly naming?: Naming
  /** 1 on the first delivery. Where a slice is taken back, deliveries are counted anew from the one after that began. */
  readonly attempt: number
  readonly signal: AbortSignal
}

/** What of the plan is worked on: the slice, and where its steps stand. */
export interface SliceWork {
  readonly service: RestoreService
  readonly delivery: SliceDelivery
  /** That of taking back: 1 in the delivery that began to. */
  readonly undoAttempt: number
  readonly plan: SlicePlan
  /** Its items. */
  readonly parts: HeldParts
  /** Live: what is written to. */
  readonly slice: Slice
  readonly naming: Naming
  readonly context: WriteContext
}

/** Changes of a plan that are made forwards, or deletes, which are made backwards when all else is proven. */
export type Pass = 'made' | 'deleted'

/** Everything that the plan touches, read live, into the history that is restored from. */
export function lookRequest(work: SliceWork): LookRequest {
  const { plan, context } = work
  const names = work.service.writers.map(({ name }) => name).filter((name) => plan.snapshots[name] !== undefined)
  return {
    slice: parseSlice(plan.slice),
    generation: plan.generation,
    components: names,
    read: (name, reading) => readTouched(work, name, reading),
    signal: context.signal,
  }
}

function readTouched(
  work: SliceWork,
  name: ComponentName,
  reading: FileReading | undefined,
): AsyncIterable<Resource | readonly Resource[]> {
  const context = { ...work.context, ...(reading === undefined ? {} : { reading }) }
  return lookInBatches(writerOf(work, name), work.slice, touchedKeys(work, name), context)
}

/** Ascending. Of a component with one kind they stream: both halves of its plan ascend. */
async function* touchedKeys(work: SliceWork, name: ComponentName): AsyncGenerator<readonly ResourceKey[]> {
  const keysIn = async function* (parts: AsyncIterable<readonly PlanItem[]>): AsyncGenerator<readonly ResourceKey[]> {
    for await (const part of parts) yield part.filter(({ component }) => component === name).map(keyOf)
  }
  if (writerOf(work, name).kinds.length > 1) {
    const keys: ResourceKey[] = []
    for await (const some of keysIn(touched(work))) keys.push(...some)
    yield keys.sort(compareKeys)
    return
  }
  const made = keysIn(applying(work, 'made'))
  if (work.plan.counts.delete === 0) yield* made
  else yield* inBatches(mergeAscending(each(made), each(keysIn(undoing(work, 'deleted'))), compareKeys))
}

/** In the order of applying; many at a time, since each by itself would be waited for. */
export function applying({ parts, plan }: SliceWork, pass: Pass): AsyncIterable<readonly PlanItem[]> {
  return only(pass, plan.counts, pass === 'made' ? parts.forwards() : parts.backwards())
}

/** Against the order of applying. */
export function undoing({ parts, plan }: SliceWork, pass: Pass): AsyncIterable<readonly PlanItem[]> {
  return only(pass, plan.counts, pass === 'made' ? parts.backwards() : parts.forwards())
}

/** Without what cannot be made or is left. */
export async function* touched(work: SliceWork): AsyncGenerator<readonly PlanItem[]> {
  yield* applying(work, 'made')
  if (work.plan.counts.delete > 0) yield* applying(work, 'deleted')
}

function only(
  pass: Pass,
  counts: PlanCounts,
  parts: AsyncIterable<readonly PlanItem[]>,
): AsyncIterable<readonly PlanItem[]> {
  // Mostly there is nothing else.
  const isAll = pass === 'made' && counts.delete + counts.cannot + counts.left === 0
  return isAll ? parts : picked(pass, parts)
}

async function* picked(pass: Pass, parts: AsyncIterable<readonly PlanItem[]>): AsyncGenerator<readonly PlanItem[]> {
  for await (const part of parts) yield part.filter((item) => passOf(item) === pass)
}

export function passOf({ action }: PlanItem): Pass | undefined {
  if (action === 'create' || action === 'update') return 'made'
  return action === 'delete' ? 'deleted' : undefined
}

export function keyOf({ key }: PlanItem): ResourceKey {
  return Buffer.from(key, 'base64url')
}

export function writerOf({ service }: SliceWork, name: ComponentName): RestoreService['writers'][number] {
  const writer = service.writers.find((one) => one.name === name)
  if (writer === undefined)
    throw new TorikiError('settings-invalid', {
      message: `The plan restores ${name}, which is not configured for restoring here.`,
    })
  return writer
}
