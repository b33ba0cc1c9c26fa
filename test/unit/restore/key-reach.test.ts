import { expect, test } from '@jest/globals'
import { encodeKey } from '../../../lib/resources/key.ts'
import { reachOf } from '../../../lib/restore/key-reach.ts'

const entry = (...names: string[]): Buffer => encodeKey('entry', names)
const under = [entry('notes', 'plan'), entry('data')]

test.each([
  ['one of the paths', entry('data'), 'in'],
  ['beneath one', entry('data', '2026', 'a.csv'), 'in'],
  ['a directory that one lies in', entry('notes'), 'above'],
  ['the home itself', entry(), 'above'],
  ['a sibling', entry('notes', 'other'), undefined],
  ['a name that only begins the same', entry('database'), undefined],
  ['another kind', encodeKey('user', ['data']), undefined],
])('%s', (_what, key, reach) => {
  expect(reachOf(key, under)).toBe(reach)
})

test('without paths everything is meant', () => {
  expect(reachOf(entry('x'), undefined)).toBe('in')
})
