/** What is looked at instead of checked against the schema is what the schema lets through as it is. */
import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import type { JsonObject } from '../../../lib/resources/json.ts'
import type { SliceName } from '../../../lib/resources/slice.ts'
import { plainItems } from '../../../lib/restore/plain-items.ts'
import { planItems, writeSlicePlan } from '../../../lib/restore/slice-plan.ts'
import type { PlanItem } from '../../../lib/restore/planned-item.ts'
import { memoryRecords } from '../../kit/memory-records.ts'

const where = { restore: '20261121T020000000Z-restore-0123456789', sliceId: 'ann' }
const nonce = Buffer.alloc(16)
const plain = {
  ...{ component: 'files', key: 'a2V5', action: 'create', bytes: 5 },
  after: { state: 'ab', content: 'cd' },
}

/** Items as they are read from a plan in which exactly these stand; `undefined`: it is refused. */
async function throughSchema(items: readonly unknown[]): Promise<unknown[] | undefined> {
  const records = memoryRecords()
  const none = async function* (): AsyncGenerator<readonly PlanItem[]> {
    yield await Promise.resolve([{ ...plain, privileged: true } as PlanItem])
  }
  const said = { slice: 'user/ann' as SliceName, generation: 1, snapshots: {} }
  await writeSlicePlan(records, { ...where, nonce }, said, none(), () => [])
  const [path = ''] = [...records.values.keys()].filter((one) => one.includes('/items.'))
  await records.delete(path)
  // One that is not plain sends the others through the schema, too.
  await records.create(path, { items: [...items, { ...plain, privileged: true }] } as JsonObject)
  const read: unknown[] = []
  try {
    for await (const item of planItems(records, where)) read.push(item)
  } catch {
    return undefined
  }
  return read.slice(0, -1)
}

const word = fc.string({ maxLength: 3 })
const mostly = <T>(usual: fc.Arbitrary<T>): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 30, arbitrary: usual }, { weight: 1, arbitrary: fc.jsonValue() })
const print = mostly(
  fc.record(
    { state: mostly(word), content: mostly(word), secrets: fc.constant({ a: 'b' }), other: fc.constant(1) },
    { requiredKeys: ['state'] },
  ),
)
const item = mostly(
  fc.record(
    {
      component: mostly(fc.constantFrom('files', 'keycloak')),
      key: mostly(word),
      action: mostly(fc.constantFrom('create', 'delete', 'cannot', 'left', 'update')),
      from: mostly(word),
      bytes: mostly(fc.nat()),
      reason: mostly(word),
      before: print,
      after: print,
      unknown: fc.jsonValue(),
    },
    { requiredKeys: ['component', 'key', 'action'] },
  ),
)

const run = mostly(
  fc.array(fc.tuple(mostly(word), mostly(fc.integer({ min: -1, max: 9 }))), { maxLength: 4 }).chain((pairs) =>
    fc.record({
      component: mostly(fc.constantFrom('files', 'keycloak')),
      created: mostly(fc.constant(pairs.map(([key]) => key))),
      bytes: mostly(fc.constant(pairs.map(([, bytes]) => bytes))),
    }),
  ),
)

test('items and runs that count as plain are what the schema gives back', async () => {
  const counted = { items: 0, runs: 0 }
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(item, run), { maxLength: 3 }), async (items) => {
      const read = JSON.parse(JSON.stringify(items)) as object[]
      const plainly = plainItems(read)
      if (plainly === undefined) return
      counted[read.some((one) => 'created' in one) ? 'runs' : 'items']++
      expect(await throughSchema(read)).toEqual(plainly.items)
    }),
    { numRuns: 1500 },
  )
  expect(Math.min(counted.items, counted.runs)).toBeGreaterThan(100)
})

const stored = { component: 'files', created: ['a2V5', 'a2V6'], bytes: [5, -1] }

test('a run is a create of each, as the snapshot holds it', () => {
  const created = { component: 'files', action: 'create', asStored: true }
  expect(plainItems([stored])?.items).toEqual([
    { ...created, key: 'a2V5', bytes: 5 },
    { ...created, key: 'a2V6' },
  ])
})

test.each([
  ['with fewer sizes than names', { ...stored, bytes: [5] }],
  ['with a size below none', { ...stored, bytes: [5, -2] }],
  ['with a size without end', { ...stored, bytes: [5, Infinity] }],
  ['with a name that is a number', { ...stored, created: ['a2V5', 7] }],
  ['of a component that is not known', { ...stored, component: 'other' }],
  ['without sizes', { component: 'files', created: ['a2V5'] }],
])('a run %s is refused', async (_, wrong) => {
  expect(plainItems([stored])).toBeDefined()
  expect(plainItems([stored, wrong])).toBeUndefined()
  expect(await throughSchema([stored, wrong])).toBeUndefined()
})

test.each([
  ['without a name', { ...plain, key: undefined }],
  ['of a component that is not known', { ...plain, component: 'other' }],
  ['with an action that is not known', { ...plain, action: 'burn' }],
  ['with a size below nothing', { ...plain, bytes: -1 }],
  ['with a size without end', { ...plain, bytes: Infinity }],
  ['with a print that is a text', { ...plain, after: 'ab' }],
  ['with a print that is none', { ...plain, after: {} }],
  ['with a print of numbers', { ...plain, before: { state: 5 } }],
  ['that is a list', [plain]],
  ['that is nothing', null],
])('an item %s is refused', async (_, wrong) => {
  const item = (wrong === null || Array.isArray(wrong) ? wrong : { ...wrong }) as Record<string, unknown> | null
  if (item !== null && item['key'] === undefined) delete item['key']
  expect(plainItems([plain])?.bytes).toBeGreaterThan(0)
  expect(plainItems([plain, item])).toBeUndefined()
  expect(await throughSchema([plain, item])).toBeUndefined()
})

test.each([
  ['with something beside', { ...plain, other: 1 }],
  ['with what it keeps', { ...plain, after: { state: 'ab', kept: { id: 'x' } } }],
  ['with fields', { ...plain, fields: ['size'] }],
  ['with a mark of its own', { ...plain, asStored: true }],
  ['that is a run with something beside', { ...stored, other: 1 }],
])('an item %s is left to the schema', (_, other) => {
  expect(plainItems([plain, other])).toBeUndefined()
})
