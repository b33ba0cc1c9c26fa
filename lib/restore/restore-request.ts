/**
 * What was asked to be restored: written once, before anything is planned, with the slices it concerns. Everything that is done later is told by the restore's id alone,
 * so nobody can apply something other than what was planned. Records stand under `restores/<restore>/`.
 */
import * as z from 'zod'
import { TorikiError } from '../errors.ts'
import type { SealedRecords } from '../repository/repository.ts'
import type { SnapshotId } from '../repository/snapshot.ts'
import { componentNames } from '../resources/component-name.ts'
import type { ComponentName } from '../resources/component-name.ts'
import type { SliceName } from '../resources/slice.ts'

export interface RestoreRequest {
  readonly restore: string
  /** When it was asked, RFC 3339. */
  readonly at: string
  /** Absent: the newest that is to be believed, until `until` where that is given. Only for one slice. */
  readonly snapshot?: SnapshotId
  /** RFC 3339. */
  readonly until?: string
  readonly components?: readonly ComponentName[]
  /** Encoded keys, base64url: only what is at or beneath one of them. */
  readonly under?: readonly string[]
  readonly inPlace: boolean
  readonly whileRunning?: boolean
  readonly deleteExtra: boolean
  readonly installerOwned: boolean
  readonly privileged: boolean
  readonly slicesTotal: number
}

export interface RequestedSlice {
  readonly slice: SliceName
  /** Opaque; of the generation that is restored. */
  readonly sliceId: string
  readonly generation: number
}

const SLICES_A_PART = 1000

const strings = z.array(z.string()).readonly()
const requestSchema: z.ZodType<RestoreRequest> = z.object({
  restore: z.string(),
  at: z.iso.datetime(),
  snapshot: z.exactOptional(z.string()),
  until: z.exactOptional(z.iso.datetime()),
  components: z.exactOptional(z.array(z.enum(componentNames)).readonly()),
  under: z.exactOptional(strings),
  inPlace: z.boolean(),
  whileRunning: z.exactOptional(z.boolean()),
  deleteExtra: z.boolean(),
  installerOwned: z.boolean(),
  privileged: z.boolean(),
  slicesTotal: z.int().min(0),
})
const sliceSchema: z.ZodType<RequestedSlice> = z.object({
  slice: z.custom<SliceName>((value) => typeof value === 'string'),
  sliceId: z.string(),
  generation: z.int().min(1),
})

/** `slices` with `shared` first. `exists`: it was asked before, and stands as it was. */
export async function createRequest(
  records: SealedRecords,
  request: Omit<RestoreRequest, 'slicesTotal'>,
  slices: readonly RequestedSlice[],
): Promise<'created' | 'exists'> {
  for (let at = 0; at < slices.length; at += SLICES_A_PART) {
    const part = slices.slice(at, at + SLICES_A_PART).map((one) => ({ ...one }))
    // A part that is there already is of an earlier try of this very request.
    await records.create(partPath(request.restore, at / SLICES_A_PART), { slices: part })
  }
  const { components, under, ...rest } = request
  return await records.create(`restores/${request.restore}/request`, {
    ...rest,
    ...(components === undefined ? {} : { components: [...components] }),
    ...(under === undefined ? {} : { under: [...under] }),
    slicesTotal: slices.length,
  })
}

/** @throws TorikiError `restore-not-found`. */
export async function readRequest(records: SealedRecords, restore: string): Promise<RestoreRequest> {
  const value = await records.read(`restores/${restore}/request`)
  if (value === undefined) throw new TorikiError('restore-not-found', { ids: { restore } })
  return requestSchema.parse(value)
}

/** `shared` first. @throws TorikiError `object-not-found` when a part of the list is gone. */
export async function* requestedSlices(
  records: SealedRecords,
  { restore, slicesTotal }: RestoreRequest,
): AsyncGenerator<RequestedSlice> {
  for (let part = 0; part * SLICES_A_PART < slicesTotal; part++) {
    const value = await records.read(partPath(restore, part))
    if (value === undefined)
      throw new TorikiError('object-not-found', {
        message: 'A part of the list of slices of a restore is missing.',
        ids: { restore, part },
      })
    yield* z.object({ slices: z.array(sliceSchema) }).parse(value).slices
  }
}

function partPath(restore: string, part: number): string {
  return `restores/${restore}/requested/${String(part).padStart(6, '0')}`
}
