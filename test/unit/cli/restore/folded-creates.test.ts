import { describe, expect, test } from '@jest/globals'
import { FoldedCreates } from '../../../../lib/cli/restore/folded-creates.ts'
import { encodeKey, formatKey } from '../../../../lib/resources/key.ts'

const entry = (path: string): ReturnType<typeof encodeKey> => encodeKey('entry', path === '' ? [] : path.split('/'))
const lines = (folded: FoldedCreates): readonly unknown[] =>
  folded.lines.map(({ slice, key, beneath, bytes }) => [slice, formatKey(key), beneath, bytes])
const home = ['', 'a', 'a/b', 'a/b/c', 'd', 'e', 'e/f']

describe('folded creations', () => {
  test('one level deep show what is made at the top and what is right in it, and count the rest', () => {
    const folded = new FoldedCreates(10, 1)
    for (const path of home) folded.add('user/ann', 'files', entry(path), 1)
    expect(lines(folded)).toEqual([
      ['user/ann', '.', 0, 1],
      ['user/ann', 'a', 2, 3],
      ['user/ann', 'd', 0, 1],
      ['user/ann', 'e', 1, 2],
    ])
  })

  test('no level deep are one line for each person and component', () => {
    const folded = new FoldedCreates(10, 0)
    for (const slice of ['user/ann', 'user/ben']) {
      folded.add(slice, 'keycloak', encodeKey('user', [slice.slice(5)]), 0)
      for (const path of home) folded.add(slice, 'files', entry(path), 1)
    }
    expect(lines(folded)).toEqual([
      ['user/ann', 'user/ann', 0, 0],
      ['user/ann', '.', 6, 7],
      ['user/ben', 'user/ben', 0, 0],
      ['user/ben', '.', 6, 7],
    ])
  })

  test('keep apart what only begins alike', () => {
    const folded = new FoldedCreates(10, 0)
    for (const path of ['a', 'ab', 'ab/c']) folded.add('user/ann', 'files', entry(path), 0)
    expect(lines(folded)).toEqual([
      ['user/ann', 'a', 0, 0],
      ['user/ann', 'ab', 1, 0],
    ])
  })

  test('count lines that find no room, and hold none of them', () => {
    const folded = new FoldedCreates(2, 1)
    for (let index = 0; index < 100; index++) folded.add('user/ann', 'files', entry(`file${index}`), 0)
    expect([folded.lines.length, folded.more]).toEqual([2, 98])
  })
})
