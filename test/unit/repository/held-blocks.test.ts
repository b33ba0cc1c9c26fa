import { expect, test } from '@jest/globals'
import { HeldBlocks } from '../../../lib/repository/held-blocks.ts'

test('holds so many bytes, and lets go of what came first', () => {
  const held = new HeldBlocks<string>(10)
  held.add('one', 4, 'a')
  held.add('two', 4, 'b')
  expect([held.get('one'), held.get('two')]).toEqual(['a', 'b'])
  held.add('three', 4, 'c')
  expect([held.has('one'), held.get('two'), held.get('three')]).toEqual([false, 'b', 'c'])
  held.add('one', 4, 'a')
  expect([held.get('one'), held.has('two'), held.get('three')]).toEqual(['a', false, 'c'])
})

test('holds a block that is larger than all of it alone', () => {
  const held = new HeldBlocks<string>(10)
  held.add('small', 4, 'a')
  held.add('large', 40, 'b')
  expect([held.has('small'), held.get('large')]).toEqual([false, 'b'])
})

test('takes no block that it has: both sides would count it twice', () => {
  const held = new HeldBlocks<string>(10)
  held.add('one', 4, 'a')
  expect(() => held.add('one', 4, 'a')).toThrow('a block that is held is not sent again')
})
