import { describe, expect, test } from '@jest/globals'
import { besideOf } from '../../../../../lib/components/files/write/beside.ts'
import { compareKeys, encodeKey, formatKey } from '../../../../../lib/resources/key.ts'

const folder = 'restored-20261121T020000000Z'
const moved = (...names: string[]) => besideOf({ key: encodeKey('entry', names), state: {} }, folder)

describe('beside what is there', () => {
  test('the home becomes the folder, and everything lies in it', () => {
    expect(formatKey(moved().key)).toBe(folder)
    expect(formatKey(moved('notes', 'plan.md').key)).toBe(`${folder}/notes/plan.md`)
  })

  test('keys keep their order', () => {
    const names = [[], ['a'], ['a', 'b'], ['a-'], ['b']]
    const keys = names.map((one) => moved(...one).key)
    expect(keys.toSorted(compareKeys)).toEqual(keys)
  })

  test('a second name goes on naming the first', () => {
    const key = encodeKey('entry', ['b'])
    expect(besideOf({ key, state: { type: 'file', hardLinkTo: 'x/a%2Fb' } }, folder).state).toEqual({
      type: 'file',
      hardLinkTo: `${folder}/x/a%2Fb`,
    })
  })
})
