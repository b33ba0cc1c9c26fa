import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { groupSlice, isLocalName, parseSlice, SHARED, userSlice } from '../../../lib/resources/slice.ts'

const local = fc.uint8Array({ minLength: 1, maxLength: 255 }).filter(isLocalName)

describe('a slice', () => {
  test('is read back from its name, whatever bytes the local name has', () => {
    fc.assert(
      fc.property(fc.constantFrom(userSlice, groupSlice), local, (make, bytes) => {
        const slice = make(bytes)
        expect(parseSlice(slice.name)).toEqual(slice)
        expect(slice.kind === 'shared' ? undefined : slice.local.equals(bytes)).toBe(true)
      }),
    )
    expect(parseSlice('shared')).toBe(SHARED)
    expect(userSlice('ann').name).toBe('user/ann')
    expect(groupSlice('a/b'.replace('/', '-')).name).toBe('group/a-b')
  })

  test('has one name: another spelling of the same bytes is refused', () => {
    for (const text of ['user/a%6Eb', 'user/%41', 'user/a%2fb', 'USER/ann', 'user/%zz'.replace('zz', '2F')]) {
      expect(() => parseSlice(text)).toThrow('A slice is')
    }
  })

  test('never names what could leave a directory', () => {
    for (const text of [
      '',
      'user',
      'user/',
      'group/',
      'user/.',
      'user/..',
      'user/a/b',
      'user/a\0b',
      'user/%00',
      'user/%2F',
      'shared/x',
      'admin/x',
      `user/${'x'.repeat(256)}`,
      'user/\ud800',
    ]) {
      expect(() => parseSlice(text)).toThrow(expect.objectContaining({ code: 'message-invalid' }))
    }
    for (const name of ['', '.', '..', 'a/b', 'a\0b', 'x'.repeat(256)]) {
      expect(() => userSlice(name)).toThrow(expect.objectContaining({ code: 'message-invalid' }))
    }
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        try {
          const slice = parseSlice(`user/${text}`)
          expect(slice.kind !== 'shared' && isLocalName(slice.local)).toBe(true)
        } catch (error) {
          expect(error).toMatchObject({ code: 'message-invalid' })
        }
      }),
    )
  })
})
