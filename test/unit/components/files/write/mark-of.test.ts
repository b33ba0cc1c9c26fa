import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { markOf } from '../../../../../lib/components/files/write/mark-of.ts'

const name = fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }).filter((text) => !text.includes('/'))
const asked = fc.record({ names: fc.array(name, { maxLength: 4 }), what: name })

test('two paths, or two things at one path, have two marks', () => {
  fc.assert(
    fc.property(asked, asked, (one, other) => {
      const isSame = JSON.stringify(one) === JSON.stringify(other)
      const marks = [one, other].map(({ names, what }) => markOf(names, names.length, what))
      expect(marks[0] === marks[1]).toBe(isSame)
    }),
  )
})

test('of a path that is asked about by another depth only the names down to there count', () => {
  expect(markOf(['a', 'b', 'c'], 2, 'directory')).toBe(markOf(['a', 'b'], 2, 'directory'))
  expect(markOf(['a', 'b', 'c'], 2, 'directory')).not.toBe(markOf(['a', 'b', 'c'], 3, 'directory'))
})

test('a hundred thousand names in order have as many marks, each a whole number', () => {
  const marks = new Set<number>()
  for (let at = 0; at < 100_000; at++) marks.add(markOf(['home', `${at}`], 2, 'file'))
  expect(marks.size).toBe(100_000)
  expect([...marks].every(Number.isSafeInteger)).toBe(true)
})
