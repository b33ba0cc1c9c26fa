import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { cleanObject, sortedLists, sortedNames } from '../../../../lib/components/keycloak/clean-json.ts'
import { canonicalJson } from '../../../../lib/resources/json.ts'

describe('an answer as a body', () => {
  test('lists of texts in any order give the same bytes', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), fc.infiniteStream(fc.nat()), (values, order) => {
        const shuffled = [...values]
          .map((value) => ({ value, at: order.next().value as number }))
          .sort((a, b) => a.at - b.at)
        const one = cleanObject({ list: values })
        const two = cleanObject({ list: shuffled.map(({ value }) => value) })
        expect(canonicalJson(two)).toBe(canonicalJson(one))
      }),
    )
  })

  test('lists of objects in any order give the same bytes', () => {
    const one = cleanObject({ list: [{ a: 1, b: ['y', 'x'] }, { a: 0 }] })
    const two = cleanObject({ list: [{ a: 0 }, { b: ['x', 'y'], a: 1 }] })
    expect(canonicalJson(two)).toBe(canonicalJson(one))
  })

  test('lists whose order means something keep it, with what is in them', () => {
    const ordered = new Set(['steps'])
    expect(cleanObject({ steps: [{ names: ['b', 'a'] }, { names: ['a'] }] }, { ordered })).toEqual({
      steps: [{ names: ['b', 'a'] }, { names: ['a'] }],
    })
  })

  test('members without a value and members to be left out are not there', () => {
    expect(
      cleanObject({ id: 1, none: null, inner: { id: 2, kept: false, none: undefined } }, { drop: new Set(['id']) }),
    ).toEqual({ inner: { kept: false } })
  })

  test('whatever JSON a server sends, the body has a canonical form and cleaning it again changes nothing', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue({ maxDepth: 4 })), (value) => {
        const parsed = JSON.parse(JSON.stringify(value)) as unknown
        const once = cleanObject(parsed)
        expect(canonicalJson(cleanObject(once))).toBe(canonicalJson(once))
      }),
    )
  })

  test('a lone surrogate and a number beyond all numbers are made into something a body can hold', () => {
    expect(canonicalJson(cleanObject(JSON.parse('{"a":"\\ud800","b":1e999}')))).toBe('{"a":"\ufffd","b":"Infinity"}')
  })

  test('nesting beyond reason is refused and not followed', () => {
    const deep = JSON.parse(`{"a":${'['.repeat(500)}${']'.repeat(500)}}`) as unknown
    expect(() => cleanObject(deep)).toThrow(expect.objectContaining({ code: 'source-unexpected' }))
  })

  test('what is no object is refused', () => {
    for (const value of ['<html>', 1, null, ['a']])
      expect(() => cleanObject(value)).toThrow(expect.objectContaining({ code: 'source-unexpected' }))
  })

  test('names are a set, attributes without values are none', () => {
    expect(sortedNames(['b', 'a', 'b'])).toEqual(['a', 'b'])
    expect(sortedLists({ b: ['2', '1'], empty: [], __proto__x: ['x'] })).toEqual({ b: ['1', '2'], __proto__x: ['x'] })
    expect(sortedLists(undefined)).toEqual({})
  })
})
