/** The shape of every record of a run, checked when it is read. Records are sealed, so a wrong one was written by another version, not by a stranger. */
import * as z from 'zod'
import { TorikiError } from '../errors.ts'
import { componentNames } from '../resources/component-name.ts'
import type { JsonObject } from '../resources/json.ts'
import type { SliceName } from '../resources/slice.ts'
import { sliceEventNames } from './run.ts'
import type { RunRecord, RunSlice, SliceEvent } from './run.ts'

const component = z.enum(componentNames)
const count = z.int().min(0)
const sliceName = z.custom<SliceName>(
  (value) => typeof value === 'string' && (value === 'shared' || /^(user|group)\/./.test(value)),
)
const strings = z.array(z.string()).readonly()

const source = z.object({
  members: count,
  unreachable: z.exactOptional(z.string()),
  suspect: z.exactOptional(z.string()),
})
const selection = z.object({
  users: z.exactOptional(strings),
  groups: z.exactOptional(strings),
  shared: z.exactOptional(z.boolean()),
  components: z.exactOptional(z.array(component).readonly()),
})

const runRecord: z.ZodType<RunRecord> = z.object({
  run: z.string(),
  policy: z.enum(['full', 'narrowed']),
  intendedAt: z.iso.datetime(),
  startedAt: z.iso.datetime(),
  components: z.array(component).readonly(),
  selection: z.exactOptional(selection),
  slicesNonce: z.string(),
  slicesTotal: count,
  slicesDigest: z.string(),
  sources: z.record(z.string(), source),
  attemptsMax: z.int().min(1),
  visibilityMs: z.number().positive(),
})

const runSlices: z.ZodType<{ readonly slices: readonly RunSlice[] }> = z.object({
  slices: z
    .array(z.object({ slice: sliceName, sliceId: z.string(), known: z.array(component).readonly(), flags: strings }))
    .readonly(),
})

const cause = z.object({
  component: z.exactOptional(component),
  code: z.string(),
  message: z.string(),
  remedy: z.string(),
})

const sliceEvent: z.ZodType<SliceEvent> = z.object({
  slice: sliceName,
  event: z.enum(sliceEventNames),
  at: z.iso.datetime(),
  attempt: count,
  snapshot: z.exactOptional(z.string()),
  causes: z.exactOptional(z.array(cause).readonly()),
  suspect: z.exactOptional(strings),
  bytesRead: z.exactOptional(z.number()),
  bytesStored: z.exactOptional(z.number()),
  objectsPut: z.exactOptional(z.number()),
  message: z.exactOptional(z.string()),
  generation: z.exactOptional(z.int().min(1)),
  part: z.exactOptional(count),
  range: z.exactOptional(z.object({ number: count, hop: count, whole: z.boolean() })),
})

export const parseRunRecord = (value: JsonObject): RunRecord => parse(runRecord, value)
export const parseRunSlices = (value: JsonObject): readonly RunSlice[] => parse(runSlices, value).slices
export const parseSliceEvent = (value: JsonObject): SliceEvent => parse(sliceEvent, value)

function parse<T>(schema: z.ZodType<T>, value: JsonObject): T {
  const parsed = schema.safeParse(value)
  if (!parsed.success) {
    const field = parsed.error.issues[0]?.path.join('.') ?? ''
    throw new TorikiError('format-newer', {
      message: `A record of a run is not understood here: ${field}.`,
      cause: parsed.error,
    })
  }
  return parsed.data
}

/** A record as the store takes it: members that are `undefined` left out. */
export function toRecord(value: object): JsonObject {
  return JSON.parse(JSON.stringify(value)) as JsonObject
}
