import { describe, expect, test } from '@jest/globals'
import type { EntryStat } from '../../../../lib/components/files/entry-stat.ts'
import { HardLinks } from '../../../../lib/components/files/hard-links.ts'
import { encodeKey } from '../../../../lib/resources/key.ts'

function stat(inode: number, links: number, bornNs = 0n): EntryStat {
  return { inode: BigInt(inode), links, bornNs, device: 1n } as EntryStat
}
const key = (path: string): Buffer => encodeKey('entry', path.split('/'))

describe('hard links', () => {
  test('name the first path of the same file', () => {
    const links = new HardLinks()
    expect(links.first(stat(1, 3))).toBeUndefined()
    links.met(stat(1, 3), key('a/100%'))
    expect(links.first(stat(1, 3))).toBe('a/100%25')
    links.met(stat(1, 3), key('b'))
    expect(links.first(stat(1, 3))).toBe('a/100%25')
    expect(links.first(stat(2, 3))).toBeUndefined()
  })

  test('forget a file when all its names were met', () => {
    const links = new HardLinks()
    for (const path of ['a', 'b']) links.met(stat(1, 2), key(path))
    expect(links.first(stat(1, 2))).toBeUndefined()
  })

  test('are not seen in a number that was freed and used again', () => {
    const links = new HardLinks()
    links.met(stat(1, 2, 100n), key('a'))
    expect(links.first(stat(1, 2, 200n))).toBeUndefined()
  })

  test('are kept within a bound, beyond which each name is a file of its own', () => {
    const links = new HardLinks(1000)
    for (let inode = 1; inode <= 10; inode++) links.met(stat(inode, 2), key(`f${inode}`))
    expect(links.isFull).toBe(true)
    expect(links.first(stat(1, 2))).toBe('f1')
    expect(links.first(stat(10, 2))).toBeUndefined()
  })
})
