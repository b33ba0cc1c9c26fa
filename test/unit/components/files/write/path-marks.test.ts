import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { PathMarks } from '../../../../../lib/components/files/write/path-marks.ts'

const name = fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }).filter((text) => !text.includes('/'))
const asked = fc.record({ names: fc.array(name, { maxLength: 4 }), what: name })

test('has what was added, and no other path and nothing else at the same path', () => {
  fc.assert(
    fc.property(fc.array(asked, { maxLength: 30 }), asked, (added, other) => {
      const marks = new PathMarks()
      for (const { names, what } of added) marks.add(names, names.length, what)
      for (const { names, what } of added) expect(marks.has(names, names.length, what)).toBe(true)
      const isAdded = added.some((one) => JSON.stringify(one) === JSON.stringify(other))
      expect(marks.has(other.names, other.names.length, other.what)).toBe(isAdded)
    }),
  )
})

test('of a path that is asked about by its depth only the names down to there count', () => {
  const marks = new PathMarks()
  marks.add(['a', 'b', 'c'], 2, 'directory')
  expect(marks.has(['a', 'b'], 2, 'directory')).toBe(true)
  expect(marks.has(['a', 'b', 'c'], 3, 'directory')).toBe(false)
})

test('a hundred thousand paths are told apart, and none is forgotten as it grows', () => {
  const marks = new PathMarks()
  for (let at = 0; at < 100_000; at++) marks.add(['home', `${at}`], 2, 'file')
  expect(marks.size).toBe(100_000)
  let found = 0
  for (let at = 0; at < 200_000; at++) if (marks.has(['home', `${at}`], 2, 'file')) found++
  expect(found).toBe(100_000)
})
