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
import type { JsonObject } from '../resources/json.ts'
import type { SliceName } from '../resources/slice.ts'
import { mappingSchema } from './mapping.ts'
import { readRemembered } from './remembered-records.ts'
import type { Mapping } from './mapping.ts'

export interface RestoreRequest {
  readonly restore: string
  /** When it was asked, RFC 3339. */
  readonly at: string
  /** Absent: the newest that is to be believed, until `until` where that is given. Only for one slice. */
  readonly snapshot?: SnapshotId
  /** RFC 3339. */
  readonly until?: string
  readonly components?: readonly ComponentName[]
  /** Encoded keys, base64url: only what is at or beneath one of them, or matches a pattern. */
  readonly under?: readonly string[]
  /** Gitignore-like, on written keys. */
  readonly patterns?: readonly string[]
  readonly mapping?: Mapping
  /** Another deployment, which is restored to; records and safety snapshots stay in this one. */
  readonly target?: RestoreTarget
  readonly inPlace: boolean
  readonly whileRunning?: boolean
  readonly deleteExtra: boolean
  readonly installerOwned: boolean
  readonly privileged: boolean
  readonly slicesTotal: number
  /** Shared state, where it is asked for: it goes before all others. */
  readonly shared?: RequestedSlice
  /** The first name of each part of the list of the others, which are sorted: where to look for one. */
  readonly firsts: readonly SliceName[]
}

export interface RestoreTarget {
  readonly deployment: string
  /** Where its settings are: for going on with the restore later. */
  readonly settings: string
}

export interface RequestedSlice {
  readonly slice: SliceName
  /** Opaque; of the generation that is restored. */
  readonly sliceId: string
  readonly generation: number
  /** Under another name. */
  readonly to?: SliceName
  /** Of the history that this name has here, which another restore may be about. */
  readonly toGeneration?: number
  /** Only what is at or beneath one of these keys, base64url: of `shared`, when a group is asked for. */
  readonly only?: readonly string[]
}

const SLICES_A_PART = 1000

const strings = z.array(z.string()).readonly()
const sliceName = z.custom<SliceName>((value) => typeof value === 'string')
const sliceSchema: z.ZodType<RequestedSlice> = z.object({
  slice: sliceName,
  sliceId: z.string(),
  generation: z.int().min(1),
  to: z.exactOptional(sliceName),
  toGeneration: z.exactOptional(z.int().min(1)),
  only: z.exactOptional(strings),
})
const requestSchema: z.ZodType<RestoreRequest> = z.object({
  restore: z.string(),
  at: z.iso.datetime(),
  snapshot: z.exactOptional(z.string()),
  until: z.exactOptional(z.iso.datetime()),
  components: z.exactOptional(z.array(z.enum(componentNames)).readonly()),
  under: z.exactOptional(strings),
  patterns: z.exactOptional(strings),
  mapping: z.exactOptional(mappingSchema),
  target: z.exactOptional(z.object({ deployment: z.string(), settings: z.string() })),
  inPlace: z.boolean(),
  whileRunning: z.exactOptional(z.boolean()),
  deleteExtra: z.boolean(),
  installerOwned: z.boolean(),
  privileged: z.boolean(),
  slicesTotal: z.int().min(0),
  shared: z.exactOptional(sliceSchema),
  firsts: z.array(sliceName).readonly(),
})

/** `exists`: it was asked before, and stands as it was. */
export async function createRequest(
  records: SealedRecords,
  request: Omit<RestoreRequest, 'slicesTotal' | 'shared' | 'firsts'>,
  slices: readonly RequestedSlice[],
): Promise<'created' | 'exists'> {
  const shared = slices.find(({ slice }) => slice === 'shared')
  const others = slices.filter((one) => one !== shared).sort((a, b) => (a.slice < b.slice ? -1 : 1))
  const firsts: SliceName[] = []
  for (let at = 0; at < others.length; at += SLICES_A_PART) {
    const part = others.slice(at, at + SLICES_A_PART)
    firsts.push((part[0] as RequestedSlice).slice)
    // A part that is there already is of an earlier try of this very request.
    await records.create(partPath(request.restore, at / SLICES_A_PART), { slices: part } as unknown as JsonObject)
  }
  const whole: RestoreRequest = { ...request, slicesTotal: slices.length, ...(shared && { shared }), firsts }
  return await records.create(`restores/${request.restore}/request`, whole as unknown as JsonObject)
}

/** @throws TorikiError `restore-not-found`. */
export async function readRequest(records: SealedRecords, restore: string): Promise<RestoreRequest> {
  const value = await readRemembered(records, `restores/${restore}/request`, requestSchema)
  if (value === undefined) throw new TorikiError('restore-not-found', { ids: { restore } })
  return value
}

/** `shared` first. @throws TorikiError `object-not-found` when a part of the list is gone. */
export async function* requestedSlices(
  records: SealedRecords,
  request: RestoreRequest,
): AsyncGenerator<RequestedSlice> {
  for await (const { slices } of requestedParts(records, request)) yield* slices
}

export interface RequestedPart {
  /** Unique in the request. */
  readonly name: string
  readonly slices: readonly RequestedSlice[]
}

/** The list by parts, `shared` a part of its own and the first. @throws as `requestedSlices`. */
export async function* requestedParts(
  records: SealedRecords,
  { restore, shared, firsts }: RestoreRequest,
): AsyncGenerator<RequestedPart> {
  if (shared !== undefined) yield { name: SHARED_PART, slices: [shared] }
  for (const part of firsts.keys()) yield { name: partName(part), slices: await readPart(records, restore, part) }
}

/** The part in which a slice is, if it is in the request. */
export function partNameOf({ shared, firsts }: RestoreRequest, slice: SliceName): string {
  if (slice === 'shared' && shared !== undefined) return SHARED_PART
  return partName(firsts.findLastIndex((first) => first <= slice))
}

/** One of them, by reading one part of the list. @throws TorikiError `restore-not-found` for a slice that was not asked for. */
export async function requestedSlice(
  records: SealedRecords,
  request: RestoreRequest,
  slice: SliceName,
): Promise<RequestedSlice> {
  const { restore, shared, firsts } = request
  if (slice === 'shared' && shared !== undefined) return shared
  const part = firsts.findLastIndex((first) => first <= slice)
  const found = part < 0 ? undefined : (await readPart(records, restore, part)).find((one) => one.slice === slice)
  if (found !== undefined) return found
  throw new TorikiError('restore-not-found', {
    message: 'That slice is not part of this restore.',
    ids: { restore },
  })
}

async function readPart(records: SealedRecords, restore: string, part: number): Promise<readonly RequestedSlice[]> {
  const value = await readRemembered(records, partPath(restore, part), partSchema)
  if (value !== undefined) return value.slices
  throw new TorikiError('object-not-found', {
    message: 'A part of the list of slices of a restore is missing.',
    ids: { restore, part },
  })
}

const partSchema = z.object({ slices: z.array(sliceSchema) })
const SHARED_PART = 'shared'

function partName(part: number): string {
  return String(part).padStart(6, '0')
}

function partPath(restore: string, part: number): string {
  return `restores/${restore}/requested/${partName(part)}`
}
