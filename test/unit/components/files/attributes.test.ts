import { describe, expect, test } from '@jest/globals'
import { readAttributes } from '../../../../lib/components/files/attributes.ts'
import type { Attributes } from '../../../../lib/components/files/attributes.ts'
import type { Directory } from '../../../../lib/components/files/directory.ts'
import type { Native } from '../../../../lib/components/files/native.ts'

/** A file system with these attributes on everything; `undefined`: it has none at all. */
function read(attributes: Readonly<Record<string, Buffer | undefined>> | undefined): Attributes {
  const native = {
    listAttributes: () => (attributes === undefined ? undefined : Object.keys(attributes)),
    readAttribute: (_target: unknown, name: string) => attributes?.[name],
  } as unknown as Native
  return readAttributes({ native, attributeTarget: () => 7 } as unknown as Directory, undefined)
}

describe('extended attributes', () => {
  test('of a person and ACLs are kept, by name in ascending order', () => {
    const value = Buffer.of(1)
    const { kept, dropped } = read({ 'user.b': value, 'system.posix_acl_access': value, 'user.a': Buffer.alloc(0) })
    expect(Object.entries(kept)).toEqual([
      ['system.posix_acl_access', value],
      ['user.a', Buffer.alloc(0)],
      ['user.b', value],
    ])
    expect(dropped).toBe(false)
  })

  test('that grant power, or are the file system’s own, are not kept, and that is said', () => {
    for (const name of ['security.capability', 'trusted.overlay.opaque', 'system.other'])
      expect(read({ [name]: Buffer.of(1) })).toMatchObject({ kept: {}, dropped: true, hostLabels: false })
  })

  test('that a host sticks on every file are told apart, so that they are said once', () => {
    expect(read({ 'security.selinux': Buffer.from('label') })).toMatchObject({
      kept: {},
      dropped: false,
      hostLabels: true,
    })
    expect(read({ 'system.nfs4_acl': Buffer.of(1) })).toMatchObject({ dropped: false, hostLabels: true })
  })

  test('are bounded per entry: what is too much is not kept, and that is said', () => {
    const many = Object.fromEntries(Array.from({ length: 10 }, (_, index) => [`user.${index}`, Buffer.alloc(60_000)]))
    const { kept, dropped } = read(many)
    expect(Object.keys(kept)).toHaveLength(4)
    expect(dropped).toBe(true)
  })

  test('with names that are not UTF-8 are kept under their written names', () => {
    expect(Object.keys(read({ 'user.\xff%': Buffer.of(1) }).kept)).toEqual(['user.%FF%25'])
  })

  test('that vanished, or are longer than any may be, are not kept', () => {
    expect(read({ 'user.gone': undefined })).toMatchObject({ kept: {}, dropped: true })
  })

  test('are not asked for again on a file system that has none', () => {
    expect(read(undefined)).toMatchObject({ kept: {}, unsupported: true, dropped: false })
  })
})
