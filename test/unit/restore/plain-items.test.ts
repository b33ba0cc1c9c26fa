/** What is looked at instead of checked against the schema is what the schema lets through as it is. */
import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import type { JsonObject } from '../../../lib/resources/json.ts'
import type { SliceName } from '../../../lib/resources/slice.ts'
import { plainBytes } from '../../../lib/restore/plain-items.ts'
import { planItems, writeSlicePlan } from '../../../lib/restore/slice-plan.ts'
import type { PlanItem } from '../../../lib/restore/slice-plan.ts'
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
  const none = async function* (): AsyncGenerator<PlanItem> {
    yield* await Promise.resolve([{ ...plain, privileged: true } as PlanItem])
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

test('items that count as plain are what the schema gives back', async () => {
  let counted = 0
  await fc.assert(
    fc.asyncProperty(fc.array(item, { maxLength: 3 }), async (items) => {
      const read = JSON.parse(JSON.stringify(items)) as unknown[]
      if (plainBytes(read) === undefined) return
      counted++
      expect(await throughSchema(read)).toEqual(read)
    }),
    { numRuns: 1500 },
  )
  expect(counted).toBeGreaterThan(100)
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
  expect(plainBytes([plain])).toBeGreaterThan(0)
  expect(plainBytes([plain, item])).toBeUndefined()
  expect(await throughSchema([plain, item])).toBeUndefined()
})

test.each([
  ['with something beside', { ...plain, other: 1 }],
  ['with what it keeps', { ...plain, after: { state: 'ab', kept: { id: 'x' } } }],
  ['with fields', { ...plain, fields: ['size'] }],
])('an item %s is left to the schema', (_, other) => {
  expect(plainBytes([plain, other])).toBeUndefined()
})
