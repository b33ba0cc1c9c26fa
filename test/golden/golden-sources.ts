/** What the golden repository holds: a person of every kind of file, her account, what is shared, and two people of one name. Fixed for ever: see make-golden.ts. */
import { hash } from 'node:crypto'
import { encodeKey } from '../../lib/resources/key.ts'
import type { JsonObject } from '../../lib/resources/json.ts'
import type { ContentPart, Resource } from '../../lib/resources/resource.ts'

const MIB = 1024 * 1024
export const NOTES = 220

/** `hinted`: with hints, as the files component gives them. */
export function* homeOfAnn(night: number): Generator<Resource> {
  const entries = new Map<string, Resource>()
  const add = (path: string, state: JsonObject, parts?: readonly ContentPart[]): void => {
    const segments = path === '' ? [] : path.split('/').map((name) => Buffer.from(name, 'latin1'))
    entries.set(path, {
      key: encodeKey('entry', segments),
      state: { uid: 1000, gid: 100, mtime: '1772330400123456789', ...state },
      ...(parts && { content: contentOf(parts) }),
      hint: () => hash('sha256', `golden hint ${path} ${parts === undefined ? 0 : night}`, 'buffer').subarray(0, 33),
    })
  }
  const file = (path: string, parts: readonly ContentPart[], more: JsonObject = {}): void => {
    const size = parts.reduce((sum, part) => sum + ('holeBytes' in part ? part.holeBytes : part.length), 0)
    add(path, { type: 'file', mode: '0644', size, ...more }, parts)
  }
  const directory = (path: string, mode = '0755', more: JsonObject = {}): void =>
    add(path, { type: 'directory', mode, ...more })

  directory('', '0700', { mtime: `177233040${night}000000000` })
  directory('notes')
  for (let at = 0; at < NOTES; at++) {
    if (at === 100 && night > 1) continue
    const text = at === 5 ? `note ${at} of night ${night}\n` : `note ${at}\n`
    file(`notes/note-${String(at).padStart(3, '0')}.txt`, [Buffer.from(text)])
  }
  if (night > 1) file('notes/of the second night', [Buffer.from('new\n')])
  directory('data')
  file('data/large.bin', [pages(72, 128 * 1024, night > 1 ? 'changed' : 'as it was')])
  file('data/many holes.img', Array.from({ length: 20 }, (_, at) => [Buffer.alloc(4096, `data ${at} `), { holeBytes: 4096 * (at + 1) }]).flat())
  file('data/over a segment.img', [{ holeBytes: 64 * MIB - 8192 }, pages(4, 4096, 'segment'), { holeBytes: MIB }])
  file('data/only a hole', [{ holeBytes: 3 * MIB + 17 }])
  file('data/empty', [])
  directory('kinds')
  add('kinds/link', { type: 'link', target: '../notes/note-001.txt' })
  add('kinds/link of bytes', { type: 'link', targetBytes: Buffer.from('caf\xe9', 'latin1').toString('base64url') })
  add('kinds/fifo', { type: 'fifo', mode: '0600' })
  add('kinds/socket', { type: 'socket', mode: '0755' })
  add('kinds/null', { type: 'character-device', mode: '0666', device: { major: 1, minor: 3 } })
  add('kinds/closed', { type: 'directory', mode: '0000', unreadable: true })
  file('kinds/a first name', [Buffer.from('one file of two names\n')])
  add('kinds/another name', { type: 'file', mode: '0644', size: 22, hardLinkTo: 'kinds/a first name' })
  file('kinds/attributes', [Buffer.from('attributed\n')], {
    attributes: { 'user.note': Buffer.from('kept').toString('base64url'), 'user.odd%0Aname': Buffer.of(0, 1, 255).toString('base64url') },
  })
  // Longer than what stands in the tree.
  file('kinds/many attributes', [], { attributes: { 'user.long': Buffer.alloc(3500, 'long ').toString('base64url') } })
  file('kinds/set-id', [Buffer.from('#!/bin/sh\n')], { mode: '4755' })
  directory('kinds/empty/one')
  directory('kinds/empty')
  directory('odd')
  for (const name of ['caf\xe9 \xff', 'new\nline', '100%', '%41', '\x01', '\x01\x02', ' space ', '-rf', 'back\\slash', '\xe5\x8f\x96\xe6\x9c\xa8'])
    file(`odd/${name}`, [Buffer.from(`odd ${Buffer.from(name, 'latin1').toString('hex')}`)])
  yield* [...entries.values()].sort((a, b) => Buffer.compare(a.key, b.key))
}

/** An account with a password and a one-time code. */
export function* accountOf(name: string, id: string): Generator<Resource> {
  yield {
    key: encodeKey('user', [name]),
    state: { username: name, enabled: true, firstName: 'Ann', attributes: { team: ['forest', 'bonsai'] }, groups: ['/lab'] },
    kept: { id, createdTimestamp: 1_700_000_000_000 },
    secrets: { 'password': `{"hash":"of ${name}"}`, 'otp.1': 'JBSWY3DPEHPK3PXP' },
  }
}

export function* sharedRealm(night: number): Generator<Resource> {
  yield { key: encodeKey('client', ['jupyterhub']), state: { clientId: 'jupyterhub' }, secrets: { secret: 'client secret' } }
  yield { key: encodeKey('group', ['lab']), state: { attributes: { night: [String(night)] } } }
  yield { key: encodeKey('role', ['admin']), state: { description: 'may everything' }, kept: { id: 'role-1' } }
}

/** Bytes that compress well and repeat nowhere whole. */
function pages(count: number, length: number, what: string): Buffer {
  return Buffer.concat(Array.from({ length: count }, (_, at) => Buffer.alloc(length, `page ${at} ${what} `)))
}

function contentOf(parts: readonly ContentPart[]): NonNullable<Resource['content']> {
  return {
    async *parts() {
      yield* parts
    },
  }
}
