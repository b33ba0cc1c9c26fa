import { describe, expect, test } from '@jest/globals'
import { AS_IT_WAS } from '../../../../../lib/components/naming.ts'
import { renameEntry } from '../../../../../lib/components/files/write/rename.ts'
import { compareKeys, encodeKey, formatKey } from '../../../../../lib/resources/key.ts'
import type { JsonObject } from '../../../../../lib/resources/json.ts'

const folder = 'restored-20261121T020000000Z'
const beside = (...names: string[]) =>
  renameEntry({ key: encodeKey('entry', names), state: {}, kept: {} }, { ...AS_IT_WAS, folder })

describe('beside what is there', () => {
  test('the home becomes the folder, and everything lies in it', () => {
    expect(formatKey(beside().key)).toBe(folder)
    expect(formatKey(beside('notes', 'plan.md').key)).toBe(`${folder}/notes/plan.md`)
  })

  test('keys keep their order', () => {
    const names = [[], ['a'], ['a', 'b'], ['a-'], ['b']]
    const keys = names.map((one) => beside(...one).key)
    expect(keys.toSorted(compareKeys)).toEqual(keys)
  })

  test('a second name goes on naming the first', () => {
    const key = encodeKey('entry', ['b'])
    const state = { type: 'file', hardLinkTo: 'x/a%2Fb' }
    expect(renameEntry({ key, state, kept: {} }, { ...AS_IT_WAS, folder }).state).toEqual({
      type: 'file',
      hardLinkTo: `${folder}/x/a%2Fb`,
    })
  })
})

describe('under other owners', () => {
  const naming = { ...AS_IT_WAS, uids: new Map([[1000, 2000]]), gids: new Map([[100, 200]]) }
  const owned = (state: JsonObject): JsonObject =>
    renameEntry({ key: encodeKey('entry', ['a']), state, kept: {} }, naming).state

  test('those that are mapped are others, the rest stay', () => {
    expect(owned({ uid: 1000, gid: 100 })).toEqual({ uid: 2000, gid: 200 })
    expect(owned({ uid: 0, gid: 1000 })).toEqual({ uid: 0, gid: 1000 })
  })

  test('a list of rights names them by their numbers there; what is no such list stays', () => {
    const acl = (user: number, group: number): string => {
      const entries = [
        [0x01, 7, 0xffffffff],
        [0x02, 6, user],
        [0x04, 5, 0xffffffff],
        [0x08, 4, group],
        [0x10, 7, 0xffffffff],
      ]
      const bytes = Buffer.alloc(4 + 8 * entries.length)
      bytes.writeUInt32LE(2)
      for (const [index, [tag = 0, rights = 0, id = 0]] of entries.entries()) {
        bytes.writeUInt16LE(tag, 4 + 8 * index)
        bytes.writeUInt16LE(rights, 6 + 8 * index)
        bytes.writeUInt32LE(id, 8 + 8 * index)
      }
      return bytes.toString('base64url')
    }
    const attributes = { 'system.posix_acl_access': acl(1000, 100), 'user.note': acl(1000, 100) }
    expect(owned({ attributes })).toEqual({
      attributes: { 'system.posix_acl_access': acl(2000, 200), 'user.note': acl(1000, 100) },
    })
    expect(owned({ attributes: { 'system.posix_acl_default': 'AQ' } })).toEqual({
      attributes: { 'system.posix_acl_default': 'AQ' },
    })
  })
})
