/** A plan that is gone through again and again is read once, as far as there is room. */
import { beforeEach, expect, test } from '@jest/globals'
import type { SliceName } from '../../../lib/resources/slice.ts'
import { HeldParts } from '../../../lib/restore/held-parts.ts'
import { writeSlicePlan } from '../../../lib/restore/slice-plan.ts'
import type { PlanItem } from '../../../lib/restore/planned-item.ts'
import { memoryRecords } from '../../kit/memory-records.ts'
import type { MemoryRecords } from '../../kit/memory-records.ts'

const where = { restore: '20261121T020000000Z-restore-0123456789', sliceId: 'ann' }
const keyOf = (at: number): string => Buffer.from(`thing/${at}`).toString('base64url')
const all = Array.from({ length: 1300 }, (_, at) => keyOf(at))

let records: MemoryRecords

beforeEach(async () => {
  records = memoryRecords()
  const items = async function* (): AsyncGenerator<readonly PlanItem[]> {
    for (const [at, key] of all.entries()) {
      await Promise.resolve()
      const item = { component: 'files', key, action: 'create', after: { state: 'ab' } } as const
      yield [at < 1000 ? item : { ...item, needsPerson: ['Look.'] }]
    }
  }
  const said = { slice: 'user/ann' as SliceName, generation: 1, snapshots: {} }
  await writeSlicePlan(records, { ...where, nonce: Buffer.alloc(16) }, said, items(), () => [])
})

async function keys(parts: AsyncIterable<readonly PlanItem[]>): Promise<string[]> {
  const read: string[] = []
  for await (const part of parts) read.push(...part.map(({ key }) => key))
  return read
}

async function readsOf(parts: HeldParts): Promise<number> {
  const before = records.counts.reads
  expect(await keys(parts.forwards())).toEqual(all)
  expect(await keys(parts.backwards())).toEqual(all.toReversed())
  expect(await keys(parts.forwards())).toEqual(all)
  return records.counts.reads - before
}

test('parts are read once where there is room; those whose size nobody told are read again', async () => {
  const room = { bytes: 10_000_000 }
  // A head, two parts, and one of the other sort three times.
  expect(await readsOf(new HeldParts(records, where, room))).toBe(1 + 2 + 3)
})

test('parts that find no room are read again', async () => {
  const one = { bytes: 10_000_000 }
  const measured = new HeldParts(records, where, one)
  await readsOf(measured)
  const partBytes = (10_000_000 - one.bytes) / 2
  expect(await readsOf(new HeldParts(records, where, { bytes: partBytes * 1.5 }))).toBe(1 + 1 + 3 + 3)
  expect(await readsOf(new HeldParts(records, where, { bytes: 0 }))).toBe(1 + 9)
})

test('what was let go of makes room, and is read again', async () => {
  const room = { bytes: 10_000_000 }
  const parts = new HeldParts(records, where, room)
  await readsOf(parts)
  expect(room.bytes).toBeLessThan(10_000_000)
  parts.letGo()
  expect(room.bytes).toBe(10_000_000)
  expect(await readsOf(parts)).toBe(2 + 3)
})
