import { beforeEach, describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { appendEvent } from '../../../lib/runs/event-log.ts'
import { createRun, readRun, recordCancelled, recordSourcesAccepted } from '../../../lib/runs/run-log.ts'
import { readRunState } from '../../../lib/runs/run-state.ts'
import { foldOf } from '../../../lib/runs/slice-states.ts'
import { sliceEventNames } from '../../../lib/runs/run.ts'
import type { RunRecord, RunSlice, SliceEvent, SliceEventName, SourceRecord } from '../../../lib/runs/run.ts'
import { memoryRecords } from '../../kit/memory-records.ts'
import type { MemoryRecords } from '../../kit/memory-records.ts'

const run = '20261121T020000000Z-full-0123456789'
const startedAt = '2026-11-21T02:00:00.000Z'
const silenceMs = 3.5 * 60_000
let clock: Date
let records: MemoryRecords

beforeEach(() => {
  clock = new Date(startedAt)
  records = memoryRecords(() => clock)
})

const sliceOf = (index: number): RunSlice => ({
  slice: `user/u${index}`,
  sliceId: `id${String(index).padStart(6, '0')}`,
  known: ['files'],
  flags: [],
})

async function open(
  count: number,
  sources: Record<string, SourceRecord> = { files: { members: count } },
): Promise<RunRecord> {
  const slices = Array.from({ length: count }, (_, index) => sliceOf(index))
  const record = {
    run,
    policy: 'full' as const,
    intendedAt: startedAt,
    startedAt,
    components: ['files' as const],
    slicesNonce: 'n',
    sources,
    attemptsMax: 3,
    visibilityMs: 60_000,
  }
  await createRun(records, record, slices)
  return await readRun(records, run)
}

async function tell(index: number, event: SliceEventName, more: Partial<SliceEvent> = {}): Promise<void> {
  const { slice, sliceId } = sliceOf(index)
  const { highest } = await foldOf(records, run, sliceId)
  await appendEvent(
    records,
    { run, sliceId, from: highest + 1 },
    { slice, event, at: clock.toISOString(), attempt: 1, ...more },
  )
}

const reportNow = async (record: RunRecord) => (await readRunState(records, record, clock)).report
const cause = (code: string) => ({ component: 'files' as const, code, message: code, remedy: 'mend it' })

describe('the state of a run', () => {
  test('every slice saved: complete, and ended when the last word was heard', async () => {
    const record = await open(2)
    await tell(0, 'saved', { bytesRead: 10, bytesStored: 4, objectsPut: 2 })
    clock = new Date('2026-11-21T02:00:30Z')
    await tell(1, 'saved', { bytesRead: 1, bytesStored: 1, objectsPut: 2 })
    clock = new Date('2026-11-21T02:10:00Z')
    expect(await reportNow(record)).toMatchObject({
      open: false,
      outcome: 'complete',
      endedAt: '2026-11-21T02:00:30.000Z',
      slices: { total: 2, saved: 2, pending: 0 },
      bytes: { read: 11, stored: 5 },
      objects: { put: 4 },
      failures: [],
    })
  })

  test('one not heard of: open while others are heard', async () => {
    const record = await open(2)
    await tell(0, 'saved')
    expect(await reportNow(record)).toMatchObject({ open: true, endedAt: undefined, slices: { saved: 1, pending: 1 } })
  })

  test('silence for longer than the attempts take: no-report, a failure', async () => {
    const record = await open(2)
    clock = new Date(Date.parse(startedAt) + 60_000)
    await tell(0, 'saved')
    clock = new Date(clock.getTime() + silenceMs + 1)
    expect(await reportNow(record)).toMatchObject({
      open: false,
      outcome: 'partial',
      slices: { saved: 1, failed: 1, pending: 0 },
      failures: [{ slice: 'user/u1', code: 'no-report' }],
    })
  })

  test('anything heard of any slice keeps the run open', async () => {
    const record = await open(2)
    clock = new Date(Date.parse(startedAt) + silenceMs)
    await tell(0, 'continued')
    clock = new Date(clock.getTime() + silenceMs)
    expect(await reportNow(record)).toMatchObject({ open: true })
  })

  test('a late word after the end counts', async () => {
    const record = await open(1)
    clock = new Date(Date.parse(startedAt) + 2 * silenceMs)
    expect(await reportNow(record)).toMatchObject({ outcome: 'failed' })
    await tell(0, 'saved')
    expect(await reportNow(record)).toMatchObject({ outcome: 'complete', failures: [] })
  })

  test('a partial slice names what is missing, and the run is partial', async () => {
    const record = await open(1)
    await tell(0, 'partial', { causes: [cause('root-missing')] })
    expect(await reportNow(record)).toMatchObject({
      outcome: 'partial',
      failures: [{ slice: 'user/u0', component: 'files', code: 'root-missing', attempts: 1 }],
    })
  })

  test('nothing saved: failed', async () => {
    const record = await open(1)
    await tell(0, 'failed', { causes: [cause('root-missing')] })
    expect(await reportNow(record)).toMatchObject({ outcome: 'failed', slices: { failed: 1 } })
  })

  test('a suspect slice is not complete until it is accepted', async () => {
    const record = await open(1)
    await tell(0, 'saved', { snapshot: `${run}.1`, suspect: ['files'] })
    expect(await reportNow(record)).toMatchObject({ outcome: 'partial', slices: { saved: 1, suspect: 1 } })
    await tell(0, 'accepted')
    expect(await reportNow(record)).toMatchObject({ outcome: 'complete', slices: { suspect: 0 } })
  })

  test('a suspect source is not complete until it is accepted', async () => {
    const record = await open(1, { files: { members: 1, suspect: 'fell from 10 to 1' } })
    await tell(0, 'saved')
    expect(await reportNow(record)).toMatchObject({
      outcome: 'partial',
      sources: [{ component: 'files', suspect: 'fell from 10 to 1' }],
    })
    await recordSourcesAccepted(records, run, clock)
    expect(await reportNow(record)).toMatchObject({ outcome: 'complete', sources: [] })
  })

  test('a source that could not be listed is not complete', async () => {
    const record = await open(1, { files: { members: 1, unreachable: 'source-unreachable' } })
    await tell(0, 'saved')
    expect(await reportNow(record)).toMatchObject({ outcome: 'partial' })
  })

  test('cancelled: ended at once, and what it did not reach is skipped', async () => {
    const record = await open(3)
    await tell(0, 'saved')
    await recordCancelled(records, run, new Date('2026-11-21T02:01:00Z'), 'asked')
    expect(await reportNow(record)).toMatchObject({
      open: false,
      outcome: 'cancelled',
      endedAt: '2026-11-21T02:01:00.000Z',
      slices: { saved: 1, skipped: 2 },
    })
  })

  test('events of slices that are not the run’s change no count', async () => {
    const record = await open(1)
    await tell(0, 'saved')
    await tell(7, 'failed', { causes: [cause('internal')] })
    expect(await reportNow(record)).toMatchObject({ outcome: 'complete', slices: { total: 1, saved: 1, failed: 0 } })
  })

  test('more slices than one record of the list holds', async () => {
    const record = await open(2_345)
    for (let index = 0; index < 2_345; index += 100) await tell(index, 'saved')
    expect((await reportNow(record)).slices).toMatchObject({ total: 2_345, saved: 24, pending: 2_321 })
  })

  test('watching reads nothing twice but the listing', async () => {
    const record = await open(50)
    for (let index = 0; index < 50; index++) await tell(index, 'saved')
    await reportNow(record)
    const before = records.counts.reads
    await reportNow(record)
    // Only: was it cancelled?
    expect(records.counts.reads - before).toBe(1)
  })

  test('the outcomes sum to the slices, whatever happened and however late it is', async () => {
    const told = fc.array(fc.tuple(fc.nat({ max: 3 }), fc.constantFrom(...sliceEventNames)), { maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(told, fc.boolean(), fc.boolean(), async (events, late, cancel) => {
        clock = new Date(startedAt)
        records = memoryRecords(() => clock)
        const record = await open(4)
        for (const [index, event] of events) await tell(index, event)
        if (cancel) await recordCancelled(records, run, clock, 'asked')
        if (late) clock = new Date(clock.getTime() + 2 * silenceMs)
        const { slices, open: isOpen } = await reportNow(record)
        expect(slices.saved + slices.partial + slices.skipped + slices.failed + slices.pending).toBe(4)
        expect(slices.pending > 0).toBe(isOpen)
        if (late || cancel) expect(isOpen).toBe(false)
      }),
      { numRuns: 60 },
    )
  })
})
