/**
 * The plan of one slice, as it is kept: a head with counts and a digest, and its items in the order of applying, in parts. Written once; who plans the same again
 * finds what is there. Records stand under `restores/<restore>/plans/<slice id>/`.
 */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import * as z from 'zod'
import { TorikiError } from '../errors.ts'
import type { SealedRecords } from '../repository/repository.ts'
import type { SnapshotId } from '../repository/snapshot.ts'
import { componentNames } from '../resources/component-name.ts'
import type { ComponentName } from '../resources/component-name.ts'
import { canonicalJson } from '../resources/json.ts'
import type { JsonObject } from '../resources/json.ts'
import type { SliceName } from '../resources/slice.ts'
import type { ResourcePrint } from './resource-print.ts'
import type { ShownValue } from './shown-values.ts'

export const planActions = ['create', 'update', 'delete', 'cannot', 'left'] as const
export type PlanAction = (typeof planActions)[number]

/** One resource that the restore touches, or would if it could. What stays as it is has no item and is only counted. */
export interface PlanItem {
  readonly component: ComponentName
  /** The encoded key, base64url. */
  readonly key: string
  /** Its key in the snapshot, where it is restored beside what is there. */
  readonly from?: string
  readonly action: PlanAction
  /** Of an update: the dotted members that differ, `content` and `secrets.NAME` among them. */
  readonly fields?: readonly string[]
  /** Of some of them, what they were and will be: for people. */
  readonly values?: readonly ShownValue[]
  /** Of content that is written, holes included. */
  readonly bytes?: number
  /** Of `cannot` and `left`: why. */
  readonly reason?: string
  /** Live as the plan saw it; absent: nothing was there. */
  readonly before?: ResourcePrint
  /** Live as it will read back; absent: nothing. */
  readonly after?: ResourcePrint
  /** `state` as it will read back, where that is not what the snapshot holds. */
  readonly state?: JsonObject
  /** Fields that this target does not keep. */
  readonly lost?: readonly { readonly field: string; readonly reason: string }[]
  readonly needsPerson?: readonly string[]
  readonly privileged?: boolean
}

export type PlanCounts = Readonly<Record<PlanAction | 'keep', number>>

export interface SlicePlan {
  readonly slice: SliceName
  readonly generation: number
  /** Where each component is restored from. */
  readonly snapshots: Readonly<Partial<Record<ComponentName, SnapshotId>>>
  /** Beside what is there: in this folder. Absent: in place. */
  readonly folder?: string
  readonly counts: PlanCounts
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

const ITEMS_A_PART = 500
/** 128 bits: which of two planners' parts the head means. */
const NONCE_BYTES = 16

const print: z.ZodType<ResourcePrint> = z.object({
  state: z.string(),
  content: z.exactOptional(z.string()),
  secrets: z.exactOptional(z.record(z.string(), z.string())),
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
})
const count = z.int().min(0)
const head = z.object({
  slice: z.custom<SliceName>((value) => typeof value === 'string'),
  generation: z.int().min(1),
  snapshots: z.record(z.string(), z.string()),
  folder: z.exactOptional(z.string()),
  counts: z.object({ create: count, update: count, delete: count, cannot: count, left: count, keep: count }),
  parts: count,
  digest: z.string(),
  failed: z.exactOptional(z.object({ code: z.string(), message: z.string(), remedy: z.string() })),
  whileStopped: z.exactOptional(z.literal(true)),
  notes: z.exactOptional(strings),
  nonce: z.string(),
})

export type PlanItems = AsyncIterable<PlanItem>

/**
 * Writes items as they come, then the head, which alone makes them count. Where another planner was first, his plan is given back.
 * `keep` is asked when the items have ended.
 */
export async function writeSlicePlan(
  records: SealedRecords,
  where: { readonly restore: string; readonly sliceId: string; readonly nonce: Uint8Array },
  plan: Pick<SlicePlan, 'slice' | 'generation' | 'snapshots' | 'folder' | 'whileStopped' | 'notes' | 'failed'>,
  items: PlanItems,
  keep: () => number,
): Promise<SlicePlan> {
  assert(where.nonce.length === NONCE_BYTES, 'a nonce of 16 bytes')
  const nonce = Buffer.from(where.nonce).toString('hex')
  const counts = { create: 0, update: 0, delete: 0, cannot: 0, left: 0, keep: 0 }
  const digest = createHash('sha256')
  let parts = 0
  let batch: PlanItem[] = []
  const flush = async (): Promise<void> => {
    if (batch.length === 0) return
    const value = { items: batch } as unknown as JsonObject
    digest.update(canonicalJson(value))
    await records.create(partPath(where, nonce, parts++), value)
    batch = []
  }
  for await (const one of items) {
    counts[one.action]++
    batch.push(one)
    if (batch.length === ITEMS_A_PART) await flush()
  }
  await flush()
  counts.keep = keep()
  const { failed, folder, whileStopped, notes, snapshots, slice, generation } = plan
  const said = {
    slice,
    generation,
    snapshots: { ...snapshots },
    counts,
    ...(folder && { folder }),
    ...(whileStopped && { whileStopped }),
    ...(notes && { notes: [...notes] }),
    ...(failed && { failed: { ...failed } }),
  }
  digest.update(canonicalJson(said))
  const value = { ...said, parts, digest: digest.digest('hex'), nonce }
  await records.create(headPath(where), value)
  const written = await findSlicePlan(records, where)
  assert(written !== undefined, 'a record that was just created is there')
  return written
}

/** `undefined`: not planned yet. */
export async function findSlicePlan(
  records: SealedRecords,
  where: { readonly restore: string; readonly sliceId: string },
): Promise<SlicePlan | undefined> {
  const found = await readHead(records, where)
  if (found === undefined) return undefined
  const { nonce: _, ...plan } = found
  return plan
}

/** In the order of applying. @throws TorikiError `object-not-found` when a part is gone. */
export async function* planItems(
  records: SealedRecords,
  where: { readonly restore: string; readonly sliceId: string },
): AsyncGenerator<PlanItem> {
  const found = await readHead(records, where)
  for (let part = 0; part < (found?.parts ?? 0); part++) {
    const value = await records.read(partPath(where, found?.nonce ?? '', part))
    if (value === undefined)
      throw new TorikiError('object-not-found', {
        message: 'A part of a restore plan is missing.',
        ids: { restore: where.restore, part },
      })
    yield* z.object({ items: z.array(item) }).parse(value).items
  }
}

async function readHead(
  records: SealedRecords,
  where: { readonly restore: string; readonly sliceId: string },
): Promise<z.infer<typeof head> | undefined> {
  const value = await records.read(headPath(where))
  return value === undefined ? undefined : head.parse(value)
}

function headPath({ restore, sliceId }: { readonly restore: string; readonly sliceId: string }): string {
  return `restores/${restore}/plans/${sliceId}/head`
}

function partPath(
  { restore, sliceId }: { readonly restore: string; readonly sliceId: string },
  nonce: string,
  part: number,
): string {
  return `restores/${restore}/plans/${sliceId}/items.${nonce}.${String(part).padStart(6, '0')}`
}
