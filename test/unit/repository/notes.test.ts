import { describe, expect, test } from '@jest/globals'
import { Notes } from '../../../lib/repository/notes.ts'
import { encodeKey } from '../../../lib/resources/key.ts'

describe('notes', () => {
  test('are summed by code, with five examples', () => {
    const notes = new Notes()
    for (let at = 0; at < 9; at++)
      notes.add({ code: 'left-out', message: 'Left out.', key: encodeKey('entry', ['cache', `${at}`]), bytes: 10 })
    notes.add({ code: 'a-first', message: 'First.' })
    expect(notes.summaries()).toEqual([
      { code: 'a-first', message: 'First.', count: 1, examples: [] },
      {
        code: 'left-out',
        message: 'Left out.',
        count: 9,
        bytes: 90,
        examples: ['cache/0', 'cache/1', 'cache/2', 'cache/3', 'cache/4'],
      },
    ])
  })

  test('of two parts are joined', () => {
    const [one, two] = [new Notes(), new Notes()]
    one.add({ code: 'x', message: 'X.', key: encodeKey('entry', ['a']), bytes: 1 })
    two.add({ code: 'x', message: 'X.', key: encodeKey('entry', ['b']) })
    two.merge(one.summaries())
    expect(two.summaries()).toEqual([{ code: 'x', message: 'X.', count: 2, bytes: 1, examples: ['b', 'a'] }])
  })

  test('cut an endless path in the example', () => {
    const notes = new Notes()
    notes.add({
      code: 'x',
      message: 'X.',
      key: encodeKey(
        'entry',
        Array.from({ length: 1000 }, () => 'directory'),
      ),
    })
    expect(notes.summaries()[0]?.examples[0]).toMatch(/^directory\/.{1014}…$/)
  })
})
