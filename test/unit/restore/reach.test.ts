import { describe, expect, test } from '@jest/globals'
import { encodeKey, formatKey } from '../../../lib/resources/key.ts'
import type { ResourceKey } from '../../../lib/resources/key.ts'
import { parsePaths, Reach, reached } from '../../../lib/restore/reach.ts'

const entry = (...names: string[]): Buffer => encodeKey('entry', names)
const kinds = ['entry', 'user', 'group']
const home = [
  '',
  'data',
  'data/a.csv',
  'data/b.txt',
  'notes',
  'notes/deep',
  'notes/deep/x.ipynb',
  'notes/y.ipynb',
  'z',
].map((path) => ({ key: path === '' ? entry() : entry(...path.split('/')) }))

async function* all(): AsyncGenerator<{ key: ResourceKey }> {
  yield* home
}
const meant = async (...texts: string[]): Promise<string[]> => {
  const found: string[] = []
  for await (const { entry: one, reach } of reached(all(), new Reach(parsePaths(texts, kinds))))
    found.push(reach === 'in' ? formatKey(one.key) : `(${formatKey(one.key)})`)
  return found
}

describe('a key', () => {
  const reach = new Reach({ under: [entry('notes', 'plan'), entry('data')] })

  test.each([
    ['one of the paths', entry('data'), true],
    ['beneath one', entry('data', '2026', 'a.csv'), true],
    ['a directory that one lies in', entry('notes'), false],
    ['a sibling', entry('notes', 'other'), false],
    ['a name that only begins the same', entry('database'), false],
    ['another kind', encodeKey('user', ['data']), false],
  ])('%s', (_what, key, has) => {
    expect(reach.has(key)).toBe(has)
  })

  test('without paths everything is meant', () => {
    expect(new Reach({}).has(entry('x'))).toBe(true)
  })
})

describe('of a home', () => {
  test('a path means what is at and beneath it, and what it lies in before it', async () => {
    expect(await meant('notes/deep')).toEqual(['(.)', '(notes)', 'notes/deep', 'notes/deep/x.ipynb'])
  })

  test('a pattern without a slash means names anywhere', async () => {
    expect(await meant('*.csv')).toEqual(['(.)', '(data)', 'data/a.csv'])
  })

  test('a pattern with a slash begins at the top', async () => {
    expect(await meant('notes/*.ipynb')).toEqual(['(.)', '(notes)', 'notes/y.ipynb'])
    expect(await meant('notes/**/*.ipynb')).toEqual([
      '(.)',
      '(notes)',
      '(notes/deep)',
      'notes/deep/x.ipynb',
      'notes/y.ipynb',
    ])
  })

  test('a pattern that a directory matches means all in it', async () => {
    expect(await meant('d*a/')).toEqual(['(.)', 'data', 'data/a.csv', 'data/b.txt'])
  })

  test('patterns and paths add up, and what nothing matches is not made', async () => {
    expect(await meant('z', '*.txt')).toEqual(['(.)', '(data)', 'data/b.txt', 'z'])
    expect(await meant('nothing')).toEqual([])
  })
})

test.each([
  ['notes/plan.md', 'notes/plan.md'],
  ['./notes/', 'notes'],
  ['/notes', 'notes'],
  ['user/ann', 'user/ann'],
  [String.raw`what\?`, 'what?'],
  ['.', '.'],
])('%s is a key', (text, key) => {
  const { under = [], patterns } = parsePaths([text], kinds)
  expect([under.map(formatKey), patterns]).toEqual([[key], undefined])
})
