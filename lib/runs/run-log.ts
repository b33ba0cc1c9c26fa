/** The records of a run that are not events: the run itself, its slices, claimed ticks, cancellation, what was accepted and what was told. */
import { createHash } from 'node:crypto'
import { TorikiError } from '../errors.ts'
import { parseRunRecord, parseRunSlices, toRecord } from './record-schemas.ts'
import type { RunRecord, RunRecords, RunSlice } from './run.ts'

/** Slices in one record: about 150 KB, read whole. */
const SLICES_A_PART = 1000
/** Runs whose record a process remembers: a worker sees a few at a time. */
const REMEMBERED_RUNS = 16

/** The list of one run that a process remembers, so that watching a run reads it once; a longer list is read each time instead. */
const REMEMBERED_SLICES = 20_000

const remembered = new WeakMap<RunRecords, Map<string, RunRecord>>()
const rememberedSlices = new WeakMap<
  RunRecords,
  { readonly run: string; readonly slicesNonce: string; readonly slices: readonly RunSlice[] }
>()

/**
 * Writes the slices, then the run. `exists`: this run was opened before and stands as it was; the slices just written are garbage.
 * `slices` in ascending order of their ids.
 */
export async function createRun(
  records: RunRecords,
  run: Omit<RunRecord, 'slicesTotal' | 'slicesDigest'>,
  slices: readonly RunSlice[],
): Promise<'created' | 'exists'> {
  const digest = createHash('sha256')
  for (let at = 0; at < slices.length; at += SLICES_A_PART) {
    const part = slices.slice(at, at + SLICES_A_PART)
    for (const { slice, known, flags } of part) digest.update(`${JSON.stringify([slice, known, flags])}\n`)
    await records.create(slicesPath(run, at / SLICES_A_PART), toRecord({ slices: part }))
  }
  return await records.create(
    runPath(run.run),
    toRecord({ ...run, slicesTotal: slices.length, slicesDigest: digest.digest('hex') }),
  )
}

/** `undefined` when there is no such run. A run's record never changes, so a process reads it once. */
export async function findRun(records: RunRecords, run: string): Promise<RunRecord | undefined> {
  let known = remembered.get(records)
  if (known === undefined) remembered.set(records, (known = new Map()))
  const before = known.get(run)
  if (before !== undefined) return before
  const value = await records.read(runPath(run))
  if (value === undefined) return undefined
  const record = parseRunRecord(value)
  // What is under another name is another run's: nothing is asked for by the name that it gives itself.
  if (record.run !== run)
    throw new TorikiError('seal-broken', { message: 'A record of a run is not its own.', ids: { run } })
  if (known.size >= REMEMBERED_RUNS) known.delete([...known.keys()][0] as string)
  known.set(run, record)
  return record
}

/** @throws TorikiError `run-not-found`. */
export async function readRun(records: RunRecords, run: string): Promise<RunRecord> {
  const record = await findRun(records, run)
  if (record === undefined) throw new TorikiError('run-not-found', { ids: { run } })
  return record
}

/** The run's slices in ascending order of their ids. @throws TorikiError `object-not-found` when a part of the list is gone. */
export async function* runSlices(records: RunRecords, run: RunRecord): AsyncGenerator<RunSlice> {
  const before = rememberedSlices.get(records)
  if (before?.run === run.run && before.slicesNonce === run.slicesNonce) {
    yield* before.slices
    return
  }
  const all: RunSlice[] = []
  for (let part = 0; part * SLICES_A_PART < run.slicesTotal; part++) {
    const value = await records.read(slicesPath(run, part))
    if (value === undefined) {
      throw new TorikiError('object-not-found', {
        message: 'A part of the list of slices of a run is missing.',
        ids: { run: run.run, part },
      })
    }
    const slices = parseRunSlices(value)
    if (run.slicesTotal <= REMEMBERED_SLICES) all.push(...slices)
    yield* slices
  }
  if (run.slicesTotal <= REMEMBERED_SLICES)
    rememberedSlices.set(records, { run: run.run, slicesNonce: run.slicesNonce, slices: all })
}

/** Claims the n-th tick for a message: `taken` when another message has it. The same message may claim again, after a crash. */
export async function claimTick(
  records: RunRecords,
  run: string,
  tick: number,
  messageId: string,
): Promise<'mine' | 'taken'> {
  const path = tickPath(run, tick)
  if ((await records.create(path, { message: messageId })) === 'created') return 'mine'
  return (await records.read(path))?.['message'] === messageId ? 'mine' : 'taken'
}

/** Claims one delivery of a slice's message: `taken` when another function has the same. */
export async function claimDelivery(
  records: RunRecords,
  run: string,
  name: string,
  at: Date,
): Promise<'mine' | 'taken'> {
  const created = await records.create(`runs/${run}/claims/${name}`, { at: at.toISOString() })
  return created === 'created' ? 'mine' : 'taken'
}

/** The number of the next tick that nobody claimed yet. */
export async function nextTick(records: RunRecords, run: string): Promise<number> {
  let highest = 0
  for await (const { path } of records.list(`runs/${run}/ticks/`))
    highest = Math.max(highest, Number(path.slice(path.lastIndexOf('/') + 1)))
  return highest + 1
}

/**
 * Gives one time to all deliveries of a trigger that has none of its own: the first one's. `cause` is the trigger's own text, of which nothing can be read
 * from the record's name.
 */
export async function claimTrigger(
  records: RunRecords,
  cause: string,
  intendedAt: Date,
): Promise<{ readonly intendedAt: Date }> {
  if ((await records.create(triggerPath(cause), { intendedAt: intendedAt.toISOString() })) === 'created')
    return { intendedAt }
  return (await readTriggerClaim(records, cause)) ?? { intendedAt }
}

/** `undefined` when no delivery of that trigger came so far. */
export async function readTriggerClaim(
  records: RunRecords,
  cause: string,
): Promise<{ readonly intendedAt: Date } | undefined> {
  const intendedAt = (await records.read(triggerPath(cause)))?.['intendedAt']
  return typeof intendedAt === 'string' ? { intendedAt: new Date(intendedAt) } : undefined
}

/** When it was cancelled, RFC 3339; `undefined` when it was not. */
export async function cancelledAt(records: RunRecords, run: string): Promise<string | undefined> {
  const at = (await records.read(`runs/${run}/cancelled`))?.['at']
  return typeof at === 'string' ? at : undefined
}

export async function recordCancelled(records: RunRecords, run: string, at: Date, reason: string): Promise<void> {
  await records.create(`runs/${run}/cancelled`, { at: at.toISOString(), reason })
}

export async function areSourcesAccepted(records: RunRecords, run: string): Promise<boolean> {
  return (await records.read(`runs/${run}/accepted`)) !== undefined
}

export async function recordSourcesAccepted(records: RunRecords, run: string, at: Date): Promise<void> {
  await records.create(`runs/${run}/accepted`, { at: at.toISOString() })
}

/** Marks a run whose records are being deleted: from now on its own one may be missing. */
export async function recordExpired(records: RunRecords, run: string, at: Date): Promise<void> {
  await records.create(expiredPath(`runs/${run}/`), { at: at.toISOString() })
}

export function expiredPath(prefix: string): string {
  return `${prefix}expired`
}

/**
 * Is the record gone that says what this run was? Of a start that was cut off there is nothing but parts of its list; of a run that was being ended there is its mark; and a run that begins or
 * ends meanwhile is not lost either.
 */
export async function isRunLost(records: RunRecords, run: string): Promise<boolean> {
  const prefix = `runs/${run}/`
  let isLost = false
  for await (const { path } of records.list(prefix)) {
    if (path === `${prefix}run` || path === expiredPath(prefix)) return false
    isLost ||= !path.startsWith(`${prefix}slices/`)
  }
  return isLost
}

/** Was this (a word of [a-z0-9-]) told to a person already? */
export async function wasTold(records: RunRecords, run: string, what: string): Promise<boolean> {
  return (await records.read(`runs/${run}/alarms/${what}`)) !== undefined
}

export async function recordTold(records: RunRecords, run: string, what: string, at: Date): Promise<void> {
  await records.create(`runs/${run}/alarms/${what}`, { at: at.toISOString() })
}

/** Keeps a message that nobody could read. `exists`: it was kept before. */
export async function recordUnreadable(
  records: RunRecords,
  body: string,
  code: string,
  at: Date,
): Promise<'created' | 'exists'> {
  const digest = createHash('sha256').update(body).digest('hex').slice(0, 32)
  if ((await records.read(`runs/unreadable/${digest}`)) !== undefined) return 'exists'
  return await records.create(`runs/unreadable/${digest}`, {
    at: at.toISOString(),
    code,
    body: body.toWellFormed().slice(0, 64 * 1024),
  })
}

function runPath(run: string): string {
  return `runs/${run}/run`
}

function slicesPath({ run, slicesNonce }: Pick<RunRecord, 'run' | 'slicesNonce'>, part: number): string {
  return `runs/${run}/slices/${slicesNonce}.${String(part).padStart(6, '0')}`
}

function triggerPath(cause: string): string {
  return `runs/triggers/${createHash('sha256').update(cause).digest('hex').slice(0, 32)}`
}

function tickPath(run: string, tick: number): string {
  return `runs/${run}/ticks/${String(tick).padStart(7, '0')}`
}
