import { describe, expect, test } from '@jest/globals'
import { memberSuspicion, suspicionOf } from '../../../lib/backup/suspicion.ts'

const read = (resources: number, containers = 0, source?: { readonly [name: string]: string }) => ({
  resources,
  containers,
  ...(source === undefined ? {} : { source }),
})

describe('a component of a slice', () => {
  test.each([
    ['had entries and has none', read(5), read(0), true],
    ['had entries and has nothing but its home directory', read(5, 1), read(1, 1), true],
    ['has fewer entries', read(5, 1), read(2, 1), false],
    ['never had entries', read(1, 1), read(1, 1), false],
    ['was never seen before', undefined, read(0), false],
    ['is read from another source', read(5, 0, { device: '1' }), read(5, 0, { device: '2' }), true],
    [
      'is read from the same source, said in another order',
      read(5, 0, { a: '1', b: '2' }),
      read(5, 0, { b: '2', a: '1' }),
      false,
    ],
    ['had no source recorded', read(5), read(5, 0, { device: '2' }), false],
  ])('that %s', (_title, trusted, now, suspect) => {
    expect(suspicionOf(trusted, now, undefined) !== undefined).toBe(suspect)
  })

  test('is suspect where its whole source is', () => {
    expect(suspicionOf(read(5), read(5), 'Its members fell.')).toBe('Its members fell.')
  })
})

describe('a listing of members', () => {
  test.each([
    [undefined, 0, false],
    [0, 0, false],
    [10, 10, false],
    [10, 30, false],
    [10, 8, false],
    [10, 7, true],
    [10, 0, true],
    [1, 0, true],
  ])('from %p to %p, with a fall of 20 %% allowed: suspect %p', (before, now, suspect) => {
    expect(memberSuspicion(before, now, 0.2) !== undefined).toBe(suspect)
  })
})
