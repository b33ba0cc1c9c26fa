/**
 * Every message that stands in a queue: `{"v":1,"kind":…}`. Parsed at the edge with a schema; unknown fields are kept, an unknown `v` or `kind`
 * is an error that ends in dead-letter with its reason. People may send these by hand (docs/contract of messages).
 */
import * as z from 'zod'
import { TorikiError } from './errors.ts'
import { queueNames } from './platform/queue/port.ts'
import { componentNames } from './resources/component-name.ts'

const run = z.string().regex(/^[0-9A-Za-z][0-9A-Za-z-]{0,79}$/)
const component = z.enum(componentNames)

/** Hops of one slice's backup or restore: each is most of a function's time, so a chain of them lasts months. */
export const PARTS_MAX = 10_000

const backupSlice = z.looseObject({
  v: z.literal(1),
  kind: z.literal('backup-slice'),
  run,
  slice: z.string().min(1).max(1024),
  components: z.array(component).min(1).optional(),
  /** The n-th hop of one slice's backup: goes on from checkpoint n − 1. */
  part: z.int().min(0).max(PARTS_MAX).optional(),
  /** One range of a component that part `part` divided: read beside others, and joined by part `part` + 1. */
  range: z.int().min(1).max(1000).optional(),
  /** The n-th hop of the range. */
  hop: z.int().min(0).max(PARTS_MAX).optional(),
  /** How often ranges were sent before, since the slice's first message. */
  divided: z.int().min(0).max(PARTS_MAX).optional(),
  /** The time of a function ended before this: how much it had read tells how much another one would. */
  late: z.boolean().optional(),
  /** Sent by the n-th replay of the slice in its run: tells it from what an earlier try left in a dead-letter queue. */
  replay: z.int().min(1).max(1_000_000).optional(),
})
const settleRun = z.looseObject({
  v: z.literal(1),
  kind: z.literal('settle-run'),
  run,
  tick: z.int().min(1).max(1_000_000),
})
const replayRun = z.looseObject({
  v: z.literal(1),
  kind: z.literal('replay-run'),
  run,
  users: z.array(z.string().min(1).max(1024)).optional(),
})

const ofRestore = { restore: run, slice: z.string().min(1).max(1024) }
const planRestore = z.looseObject({ v: z.literal(1), kind: z.literal('plan-restore'), ...ofRestore })
const restoreSlice = z.looseObject({
  v: z.literal(1),
  kind: z.literal('restore-slice'),
  ...ofRestore,
  /** The n-th hop of one slice's restore: goes on from the step that was taken last. */
  part: z.int().min(0).max(PARTS_MAX).optional(),
  /** Hops before it, one after the other, in which nothing came of it. */
  idle: z.int().min(0).max(PARTS_MAX).optional(),
})

/** `run`: after which it is done; what goes wrong on many slices is told once per run. */
const pruneSlice = z
  .looseObject({
    v: z.literal(1),
    kind: z.literal('prune-slice'),
    slice: z.string().min(1).max(1024).optional(),
    /** Instead of a slice: records of runs and restores whose time is over. */
    records: z.literal('expired').optional(),
    run: run.optional(),
  })
  .refine(({ slice, records }) => (slice === undefined) !== (records === undefined), { path: ['slice'] })
const compactSlice = z.looseObject({
  v: z.literal(1),
  kind: z.literal('compact-slice'),
  slice: z.string().min(1).max(1024),
  run: run.optional(),
  /** The n-th hop: what the one before had no time for. */
  part: z.int().min(0).max(PARTS_MAX).optional(),
})

/** One kind of message per queue. */
const known = z.looseObject({ v: z.literal(1), kind: z.enum(queueNames) })
const anyMessage = z.discriminatedUnion('kind', [
  backupSlice,
  settleRun,
  replayRun,
  planRestore,
  restoreSlice,
  pruneSlice,
  compactSlice,
])

export type BackupSliceMessage = z.infer<typeof backupSlice>
export type SettleRunMessage = z.infer<typeof settleRun>
export type PlanRestoreMessage = z.infer<typeof planRestore>
export type RestoreSliceMessage = z.infer<typeof restoreSlice>
export type PruneSliceMessage = z.infer<typeof pruneSlice>
export type CompactSliceMessage = z.infer<typeof compactSlice>
export type Message = z.infer<typeof anyMessage>

export function encodeMessage(message: Message): string {
  return JSON.stringify(message)
}

/** @throws TorikiError `message-invalid` (not JSON, wrong fields: names the field) or `message-unknown` (another version or kind). */
export function parseMessage(body: string): Message {
  let value: unknown
  try {
    value = JSON.parse(body)
  } catch (cause) {
    throw new TorikiError('message-invalid', { message: 'A message is not JSON.', cause })
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new TorikiError('message-invalid', { message: 'A message is not a JSON object.' })
  if (!known.safeParse(value).success) throw new TorikiError('message-unknown')
  const parsed = anyMessage.safeParse(value)
  if (!parsed.success) {
    const field = parsed.error.issues[0]?.path.join('.') ?? ''
    throw new TorikiError('message-invalid', { message: `A message has a wrong field: ${field}.`, cause: parsed.error })
  }
  return parsed.data
}
