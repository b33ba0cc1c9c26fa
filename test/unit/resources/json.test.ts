import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { canonicalJson } from '../../../lib/resources/json.ts'
import type { JsonValue } from '../../../lib/resources/json.ts'

const json = fc.jsonValue({ maxDepth: 3, stringUnit: 'binary' }) as fc.Arbitrary<JsonValue>

describe('canonical JSON', () => {
  test('reads back to the same value', () => {
    fc.assert(
      fc.property(json, (value) => expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)))),
    )
  })

  test('is one text for one value, whatever the order of members', () => {
    fc.assert(fc.property(json, (value) => expect(canonicalJson(reverse(value))).toBe(canonicalJson(value))))
  })

  test('is its own canonical form', () => {
    fc.assert(
      fc.property(json, (value) =>
        expect(canonicalJson(JSON.parse(canonicalJson(value)) as JsonValue)).toBe(canonicalJson(value)),
      ),
    )
  })

  test('sorts members by UTF-16 code units, as the example of RFC 8785 does', () => {
    const value = {
      '€': 'Euro Sign',
      '\r': 'Carriage Return',
      '\ufb33': 'Hebrew Letter Dalet With Dagesh',
      '1': 'One',
      '😀': 'Emoji: Grinning Face',
      '\u0080': 'Control',
      ö: 'Latin Small Letter O With Diaeresis',
    }
    expect(
      Object.values(JSON.parse(canonicalJson(value)) as Record<string, string>).filter((name) => name !== 'One'),
    ).toEqual([
      'Carriage Return',
      'Control',
      'Latin Small Letter O With Diaeresis',
      'Euro Sign',
      'Emoji: Grinning Face',
      'Hebrew Letter Dalet With Dagesh',
    ])
    expect(canonicalJson(value).startsWith('{"\\r":"Carriage Return","1":"One",')).toBe(true)
  })

  test('writes numbers and strings as RFC 8785 does', () => {
    const numbers = [333333333.3333333, 1e30, 4.5, 2e-3, 0.000000000000000000000000001, -0, 0, 9007199254740992]
    expect(canonicalJson(numbers)).toBe('[333333333.3333333,1e+30,4.5,0.002,1e-27,0,0,9007199254740992]')
    expect(canonicalJson('\u20ac$\u000f\u000aA\'\u0042\u0022\u005c\\"/')).toBe('"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"')
    expect(canonicalJson([null, true, false, {}, []])).toBe('[null,true,false,{},[]]')
  })

  test('asks of each object what it asked of the one before, whose names were the same', () => {
    expect(canonicalJson({ a: 1, b: 'x' })).toBe('{"a":1,"b":"x"}')
    expect(canonicalJson({ a: [2], b: { d: 1, c: 2 } })).toBe('{"a":[2],"b":{"c":2,"d":1}}')
    for (const value of [Infinity, '\ud800', undefined])
      expect(() => canonicalJson({ a: 1, b: value as JsonValue })).toThrow()
    expect(canonicalJson({ b: 'x', a: 1 })).toBe('{"a":1,"b":"x"}')
    expect(canonicalJson({ a: 1 })).toBe('{"a":1}')
  })

  test('refuses what JSON cannot say', () => {
    for (const value of [NaN, Infinity, '\ud800', { '\udc00': 1 }, [undefined], 1n, () => 1]) {
      expect(() => canonicalJson(value as unknown as JsonValue)).toThrow()
    }
  })
})

function reverse(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return (value as readonly JsonValue[]).map(reverse)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([name, member]) => [name, reverse(member)]),
  )
}
