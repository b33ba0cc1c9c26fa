/**
 * How far the restore of one slice has come: numbered steps, each created once, so that of two workers on one message one takes the step and the other reads what it
 * was. The last step says what is to be done next; nothing else is remembered between deliveries.
 */
import * as z from 'zod'
import type { SealedRecords } from '../repository/repository.ts'
import type { SnapshotId } from '../repository/snapshot.ts'
import type { JsonObject } from '../resources/json.ts'

/** What was not as it should be: for people. The key is the written one. */
export interface Finding {
  readonly component: string
  readonly key: string
  readonly what: string
  /** Somebody changed it meanwhile, and it was left to him. */
  readonly left?: boolean
  /** Of what could not be taken back: what is to be done by hand. */
  readonly todo?: string
}

interface Ended {
  readonly code: string
  readonly why: string
  readonly findings: readonly Finding[]
  /** Findings beyond those that are kept. */
  readonly more?: number
}

/** What was not brought because it is damaged in the store. */
export interface DamagedPart {
  readonly findings: readonly Finding[]
  readonly more?: number
  /** By component: items of the plan that were not made. */
  readonly counts: Readonly<Record<string, { readonly create: number; readonly update: number }>>
}

export type RestoreStep =
  /** The before of every touched resource is in this snapshot, and it is what the plan saw. */
  | { readonly step: 'safe'; readonly snapshot: SnapshotId }
  /** Everything is made but what is to be deleted. */
  | { readonly step: 'applied' }
  /** What was made read back as planned, and what was to be deleted is. */
  | { readonly step: 'cleared' }
  /** Something went wrong after the first write: what was written is being taken back. */
  | ({ readonly step: 'undoing' } & Ended)
  /** Nothing was written. */
  | ({ readonly step: 'refused' } & Ended)
  /** `damaged`: all but these, which are as they were before. */
  | { readonly step: 'verified'; readonly damaged?: DamagedPart }
  /** As it was before; `findings`: what somebody changed meanwhile, and was left to him. */
  | ({ readonly step: 'undone' } & Ended)
  /** Could not be taken back: these resources are not as they were. */
  | ({ readonly step: 'undo-failed' } & Ended)
  /** A person has seen what could not be taken back, and mended it or lets it be. */
  | { readonly step: 'acknowledged' }
  /** Nobody works on it any more, for this reason, although it has not ended: it stays where it was until it is resumed. */
  | { readonly step: 'stopped'; readonly code: string; readonly why: string }
  /** Somebody asked to go on with what was stopped. */
  | { readonly step: 'resumed' }

export interface Progress {
  /** The number of the last step; 0 when none was taken. */
  readonly n: number
  /** What the work goes on from: neither `stopped` nor `resumed`. */
  readonly last: RestoreStep | undefined
  /** Why nobody works on it, if that is the last that was recorded. */
  readonly stopped: Extract<RestoreStep, { step: 'stopped' }> | undefined
  /** The safety snapshot, once there is one. */
  readonly safety: SnapshotId | undefined
}

const finding: z.ZodType<Finding> = z.object({
  component: z.string(),
  key: z.string(),
  what: z.string(),
  left: z.exactOptional(z.boolean()),
  todo: z.exactOptional(z.string()),
})
const reason = {
  code: z.string(),
  why: z.string(),
  findings: z.array(finding).readonly(),
  more: z.exactOptional(z.int().min(1)),
}
const counted = z.int().min(0)
const damagedPart = z.object({
  findings: z.array(finding).readonly(),
  more: z.exactOptional(z.int().min(1)),
  counts: z.record(z.string(), z.object({ create: counted, update: counted })),
})
const stepSchema: z.ZodType<RestoreStep> = z.discriminatedUnion('step', [
  z.object({ step: z.literal('safe'), snapshot: z.string() }),
  z.object({ step: z.literal('applied') }),
  z.object({ step: z.literal('cleared') }),
  z.object({ step: z.literal('undoing'), ...reason }),
  z.object({ step: z.literal('refused'), ...reason }),
  z.object({ step: z.literal('verified'), damaged: z.exactOptional(damagedPart) }),
  z.object({ step: z.literal('undone'), ...reason }),
  z.object({ step: z.literal('undo-failed'), ...reason }),
  z.object({ step: z.literal('acknowledged') }),
  z.object({ step: z.literal('stopped'), code: z.string(), why: z.string() }),
  z.object({ step: z.literal('resumed') }),
])
const record = z.object({ at: z.iso.datetime(), step: stepSchema })

export interface SliceOfRestore {
  readonly restore: string
  readonly sliceId: string
}

export async function readProgress(records: SealedRecords, where: SliceOfRestore): Promise<Progress> {
  let progress: Progress = { n: 0, last: undefined, stopped: undefined, safety: undefined }
  for await (const { path } of records.list(prefixOf(where))) {
    const n = Number(path.slice(prefixOf(where).length))
    const value = await records.read(path)
    if (value === undefined || !Number.isInteger(n)) continue
    const { step } = record.parse(value)
    progress = {
      n,
      last: step.step === 'stopped' || step.step === 'resumed' ? progress.last : step,
      stopped: step.step === 'stopped' ? step : undefined,
      safety: step.step === 'safe' ? step.snapshot : progress.safety,
    }
  }
  return progress
}

/** Has somebody taken the next step after `progress` by now? One read. */
export async function isTaken(records: SealedRecords, where: SliceOfRestore, { n }: Progress): Promise<boolean> {
  return (await records.read(pathOf(where, n + 1))) !== undefined
}

/** Takes the next step after `progress`. `taken` by somebody else: read again, and go on from there. */
export async function takeStep(
  records: SealedRecords,
  where: SliceOfRestore,
  { n }: Progress,
  step: RestoreStep,
  at: Date,
): Promise<'mine' | 'taken'> {
  const value = { at: at.toISOString(), step } as unknown as JsonObject
  return (await records.create(pathOf(where, n + 1), value)) === 'created' ? 'mine' : 'taken'
}

/** Is nothing left to do for this slice, whoever asks? */
export function hasEnded({ last }: Progress): boolean {
  return last !== undefined && !['safe', 'applied', 'cleared', 'undoing'].includes(last.step)
}

function pathOf(where: SliceOfRestore, n: number): string {
  return `${prefixOf(where)}${String(n).padStart(6, '0')}`
}

function prefixOf({ restore, sliceId }: SliceOfRestore): string {
  return `restores/${restore}/slices/${sliceId}/`
}
