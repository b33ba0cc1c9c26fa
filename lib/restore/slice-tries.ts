/**
 * What deliveries of one slice's messages left behind beside its steps: the causes of those that failed and will be tried again, and which hops handed the work on. Records stand
 * under `restores/<restore>/tries/<slice id>/`.
 */
import * as z from 'zod'
import type { SealedRecords } from '../repository/repository.ts'
import type { SliceOfRestore } from './slice-log.ts'

/** One delivery: of which message of the slice, and the how manieth. */
export interface Try {
  readonly kind: 'plan-restore' | 'restore-slice'
  readonly part: number
  readonly attempt: number
}

export interface TriedCause {
  readonly code: string
  readonly message: string
}

const cause = z.object({ code: z.string(), message: z.string() })

/** Before the message is given back: what comes back without it was cut off. Idempotent. */
export async function recordTry(
  records: SealedRecords,
  where: SliceOfRestore,
  tried: Try,
  { code, message }: TriedCause,
  at: Date,
): Promise<void> {
  await records.create(tryPath(where, tried), { at: at.toISOString(), code, message })
}

/** Why that delivery failed; `undefined` when it did not say. */
export async function readTry(
  records: SealedRecords,
  where: SliceOfRestore,
  tried: Try,
): Promise<TriedCause | undefined> {
  const value = await records.read(tryPath(where, tried))
  return value === undefined ? undefined : cause.parse(value)
}

/** Why the latest delivery of that message failed that said so. */
export async function lastTry(
  records: SealedRecords,
  where: SliceOfRestore,
  { kind, part }: Pick<Try, 'kind' | 'part'>,
): Promise<TriedCause | undefined> {
  let last: string | undefined
  for await (const { path } of records.list(`${prefixOf(where)}${kind}.${padded(part)}.`)) last = path
  const value = last === undefined ? undefined : await records.read(last)
  return value === undefined ? undefined : cause.parse(value)
}

/** Hop `part` of `restore-slice` has sent the next one. Idempotent. */
export async function recordContinued(
  records: SealedRecords,
  where: SliceOfRestore,
  part: number,
  at: Date,
): Promise<void> {
  await records.create(continuedPath(where, part), { at: at.toISOString() })
}

export async function wasContinued(records: SealedRecords, where: SliceOfRestore, part: number): Promise<boolean> {
  return (await records.read(continuedPath(where, part))) !== undefined
}

function prefixOf({ restore, sliceId }: SliceOfRestore): string {
  return `restores/${restore}/tries/${sliceId}/`
}

function tryPath(where: SliceOfRestore, { kind, part, attempt }: Try): string {
  return `${prefixOf(where)}${kind}.${padded(part)}.${padded(attempt)}`
}

function continuedPath(where: SliceOfRestore, part: number): string {
  return `${prefixOf(where)}continued.${padded(part)}`
}

function padded(n: number): string {
  return String(n).padStart(6, '0')
}
