/**
 * The plan of one slice, as it is kept: a head with counts and a digest, and its items in parts: of each component what is made, in the order of applying, then what is deleted, against it.
 * Written once; who plans the same again finds what is there. Records stand under `restores/<restore>/plans/<slice id>/`.
 */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import * as z from 'zod'
import { TorikiError } from '../errors.ts'
import type { SealedRecords } from '../repository/repository.ts'
import type { SnapshotId } from '../repository/snapshot.ts'
import { componentNames } from '../resources/component-name.ts'
import type { ComponentName } from '../resources/component-name.ts'
import { CanonicalText, canonicalJson } from '../resources/json.ts'
import type { JsonObject } from '../resources/json.ts'
import type { SliceName } from '../resources/slice.ts'
import { plainItems } from './plain-items.ts'
import { planActions } from './plan-counts.ts'
import type { PlanCounts } from './plan-counts.ts'
import { PlanSummary } from './plan-summary.ts'
import type { ComponentSummary, LostSummary, NeedsPerson } from './plan-summary.ts'
import type { ResourcePrint } from './resource-print.ts'
import type { PlanItem } from './planned-item.ts'
import type { ShownValue } from './shown-values.ts'
import { WrittenItems, itemsOf, storedRun } from './stored-run.ts'

export interface SlicePlan {
  readonly slice: SliceName
  readonly generation: number
  /** Where each component is restored from. */
  readonly snapshots: Readonly<Partial<Record<ComponentName, SnapshotId>>>
  /** Where it is restored to, when that is another name. */
  readonly to?: SliceName
  /** Of the history that this name has here. */
  readonly toGeneration?: number
  /** Nothing is written to this slice's own source, but to another name's or another deployment's. */
  readonly elsewhere?: boolean
  /** Beside what is there: in this folder. Absent: in place. */
  readonly folder?: string
  readonly counts: PlanCounts
  readonly components: Readonly<Partial<Record<ComponentName, ComponentSummary>>>
  /** What this target does not keep, and what persons must do afterwards: of each kind once. */
  readonly lost: readonly LostSummary[]
  readonly needsPerson: readonly NeedsPerson[]
  readonly parts: number
  /** SHA-256 over head and items: what a root plan names. */
  readonly digest: string
  /** Nothing is written while a server of the person runs. */
  readonly whileStopped?: true
  /** For people: what to know before this is applied, without names. */
  readonly notes?: readonly string[]
  /** It could not be planned, for a reason that a person must mend: nothing of the slice is restored. */
  readonly failed?: PlanFailure
}

export interface PlanFailure {
  readonly code: string
  readonly message: string
  readonly remedy: string
}

/** Of those that stand by themselves; more where they stand in runs. */
const ITEMS_A_PART = 500
/** 128 bits: which of two planners' parts the head means. */
const NONCE_BYTES = 16

const print: z.ZodType<ResourcePrint> = z.object({
  state: z.string(),
  content: z.exactOptional(z.string()),
  secrets: z.exactOptional(z.record(z.string(), z.string())),
  kept: z.exactOptional(z.record(z.string(), z.string())),
})
const strings = z.array(z.string()).readonly()
const item: z.ZodType<PlanItem> = z.object({
  component: z.enum(componentNames),
  key: z.string(),
  from: z.exactOptional(z.string()),
  action: z.enum(planActions),
  fields: z.exactOptional(strings),
  values: z.exactOptional(
    z.array(z.custom<ShownValue>((value) => typeof value === 'object' && value !== null)).readonly(),
  ),
  bytes: z.exactOptional(z.number().min(0)),
  reason: z.exactOptional(z.string()),
  before: z.exactOptional(print),
  after: z.exactOptional(print),
  state: z.exactOptional(z.custom<JsonObject>((value) => typeof value === 'object' && value !== null)),
  lost: z.exactOptional(z.array(z.object({ field: z.string(), reason: z.string() })).readonly()),
  needsPerson: z.exactOptional(strings),
  privileged: z.exactOptional(z.boolean()),
  asStored: z.exactOptional(z.literal(true)),
})
const partSchema = z.object({ items: z.array(z.union([item, storedRun])) })
const count = z.int().min(0)
const counts = z.object({ create: count, update: count, delete: count, cannot: count, left: count, keep: count })
const component = z.enum(componentNames)
const sliceName = z.custom<SliceName>((value) => typeof value === 'string')
const head = z.object({
  slice: sliceName,
  generation: z.int().min(1),
  snapshots: z.partialRecord(component, z.string()),
  to: z.exactOptional(sliceName),
  toGeneration: z.exactOptional(z.int().min(1)),
  elsewhere: z.exactOptional(z.boolean()),
  folder: z.exactOptional(z.string()),
  counts,
  components: z.partialRecord(component, counts.extend({ kept: count })),
  lost: z.array(z.object({ component, field: z.string(), reason: z.string(), count })).readonly(),
  needsPerson: z.array(z.object({ sentence: z.string(), count })).readonly(),
  parts: count,
  digest: z.string(),
  failed: z.exactOptional(z.object({ code: z.string(), message: z.string(), remedy: z.string() })),
  whileStopped: z.exactOptional(z.literal(true)),
  notes: z.exactOptional(strings),
  nonce: z.string(),
})

/** Some at a time. */
export type PlanItems = AsyncIterable<readonly PlanItem[]>
/** What is said of a slice beside what its items say. */
export type PlanHead = Pick<
  SlicePlan,
  | 'slice'
  | 'generation'
  | 'snapshots'
  | 'to'
  | 'toGeneration'
  | 'elsewhere'
  | 'folder'
  | 'whileStopped'
  | 'notes'
  | 'failed'
>
export interface PlanPlace {
  readonly restore: string
  readonly sliceId: string
}

/**
 * Writes items as they come, then the head, which alone makes them count. Where another planner was first, his plan is given back.
 * `keep` is asked when the items have ended: resources of each component that stay as they are.
 */
export async function writeSlicePlan(
  records: SealedRecords,
  where: PlanPlace & { readonly nonce: Uint8Array },
  plan: PlanHead,
  items: PlanItems,
  keep: () => Iterable<readonly [ComponentName, number]>,
): Promise<SlicePlan> {
  assert(where.nonce.length === NONCE_BYTES, 'a nonce of 16 bytes')
  const nonce = Buffer.from(where.nonce).toString('hex')
  const summary = new PlanSummary()
  const digest = createHash('sha256')
  let parts = 0
  let batch = new WrittenItems()
  const flush = async (): Promise<void> => {
    if (batch.weight === 0) return
    const value = new CanonicalText({ items: batch.written } as unknown as JsonObject)
    digest.update(value.text)
    await records.create(partPath(where, nonce, parts++), value)
    batch = new WrittenItems()
  }
  for await (const some of items)
    for (const one of some) {
      summary.add(one)
      batch.add(one)
      if (batch.weight >= ITEMS_A_PART) await flush()
    }
  await flush()
  for (const [name, count] of keep()) summary.keep(name, count)
  const { counts, components, lost, needsPerson } = summary
  const said = { ...plan, counts, components, lost, needsPerson, parts, nonce } as unknown as JsonObject
  digest.update(canonicalJson(said))
  await records.create(headPath(where), { ...said, digest: digest.digest('hex') })
  const written = await findSlicePlan(records, where)
  assert(written !== undefined, 'a record that was just created is there')
  return written
}

/** `undefined`: not planned yet. */
export async function findSlicePlan(records: SealedRecords, where: PlanPlace): Promise<SlicePlan | undefined> {
  const found = await readHead(records, where)
  if (found === undefined) return undefined
  const { nonce: _, ...plan } = found
  return plan
}

/** As they are kept. @throws TorikiError `object-not-found` when a part is gone. */
export async function* planItems(records: SealedRecords, where: PlanPlace): AsyncGenerator<PlanItem> {
  for await (const part of planParts(records, where)) yield* part
}

/** The same part by part: a home may have a million items, and each by itself would be waited for. */
export async function* planParts(records: SealedRecords, where: PlanPlace): AsyncGenerator<readonly PlanItem[]> {
  const parts = await openParts(records, where)
  for (let part = 0; part < parts.count; part++) yield (await parts.read(part)).items
}

export interface PartsOfPlan {
  /** None where there is no plan. */
  readonly count: number
  /** `bytes`: about what the items take in memory, where that is told easily. @throws TorikiError `object-not-found` when the part is gone. */
  readonly read: (part: number) => Promise<{ readonly items: readonly PlanItem[]; readonly bytes: number | undefined }>
}

/** For who reads some of them again. */
export async function openParts(records: SealedRecords, where: PlanPlace): Promise<PartsOfPlan> {
  const { parts: count, nonce } = (await readHead(records, where)) ?? { parts: 0, nonce: '' }
  return {
    count,
    async read(part) {
      const value = await records.read(partPath(where, nonce, part))
      if (value === undefined) throw partMissing(where, part)
      const plain = plainItems(value['items'])
      return plain ?? { items: partSchema.parse(value).items.flatMap(itemsOf), bytes: undefined }
    },
  }
}

/** Is what stands there the plan of this digest, to the last item? */
export async function isPlanOf(records: SealedRecords, where: PlanPlace, wanted: string): Promise<boolean> {
  const value = await records.read(headPath(where))
  if (value === undefined) return false
  const { digest: claimed, ...said } = value
  const { parts, nonce } = head.parse(value)
  const digest = createHash('sha256')
  for (let part = 0; part < parts; part++) {
    const text = await records.readText(partPath(where, nonce, part))
    if (text === undefined) throw partMissing(where, part)
    digest.update(text)
  }
  const found = digest.update(canonicalJson(said)).digest('hex')
  return found === wanted && claimed === wanted
}

function partMissing({ restore }: PlanPlace, part: number): TorikiError {
  return new TorikiError('object-not-found', {
    message: 'A part of a restore plan is missing.',
    ids: { restore, part },
  })
}

async function readHead(records: SealedRecords, where: PlanPlace): Promise<z.infer<typeof head> | undefined> {
  const value = await records.read(headPath(where))
  return value === undefined ? undefined : head.parse(value)
}

function headPath({ restore, sliceId }: PlanPlace): string {
  return `restores/${restore}/plans/${sliceId}/head`
}

function partPath({ restore, sliceId }: PlanPlace, nonce: string, part: number): string {
  return `restores/${restore}/plans/${sliceId}/items.${nonce}.${String(part).padStart(6, '0')}`
}
