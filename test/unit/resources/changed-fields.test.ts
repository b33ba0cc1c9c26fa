import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { changedFields, changedMembers } from '../../../lib/resources/changed-fields.ts'
import type { JsonObject } from '../../../lib/resources/json.ts'

const object = fc.dictionary(
  fc.stringMatching(/^[a-z]{1,3}$/),
  fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<JsonObject[string]>,
  { maxKeys: 4 },
)

describe('changed fields', () => {
  test('are named with dots, lists compared whole, ascending', () => {
    expect(changedFields({ a: 1, b: { c: [1], d: null }, e: 'x' }, { b: { c: [1, 2], d: {} }, e: 'x', f: {} })).toEqual(
      ['a', 'b.c', 'b.d', 'f'],
    )
  })

  test('are none between equal bodies, whatever the order of members, and the same both ways', () => {
    fc.assert(
      fc.property(object, object, (a, b) => {
        expect(changedFields(a, Object.fromEntries(Object.entries(a).reverse()))).toEqual([])
        expect(changedFields(a, b)).toEqual(changedFields(b, a))
      }),
    )
  })

  test('come with what they were and will be', () => {
    expect(changedMembers({ a: 1, b: { c: null } }, { b: { c: [2] } })).toEqual([
      { field: 'a', was: 1 },
      { field: 'b.c', was: null, will: [2] },
    ])
  })
})
