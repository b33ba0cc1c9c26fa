import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { filesComponent } from '../../../../lib/components/files/component.ts'
import { groundKinds, groundOf } from '../../../../lib/components/files/ground.ts'
import { loadNative } from '../../../../lib/components/files/native.ts'
import { encodeKey, formatKey } from '../../../../lib/resources/key.ts'
import { userSlice } from '../../../../lib/resources/slice.ts'
import { aclBytes, buildHome, homeMap } from '../../../kit/homes/build-home.ts'
import type { BuiltHome, HomePart } from '../../../kit/homes/build-home.ts'
import { notesOf, readSlice } from '../../../kit/homes/read-files.ts'
import type { ReadSlice } from '../../../kit/homes/read-files.ts'
import { makeScratch } from '../../../kit/homes/scratch.ts'

const native = await loadNative()
const here = groundKinds.filter(
  (kind) => kind === 'path' || (process.platform === 'linux' && (kind === 'proc' || native !== undefined)),
)

describe.each(here)('a home with every kind of entry, read by %s,', (kind) => {
  let own: ReturnType<typeof makeScratch>
  let built: BuiltHome
  let read: ReadSlice
  beforeAll(async () => {
    own = makeScratch()
    built = await buildHome(join(own.path, 'home', 'ann'))
    const component = filesComponent(
      { root: own.path, home: 'home/{user}', exclude: [], excludeDefaults: true },
      { ground: groundOf(kind, native) },
    )
    read = await readSlice(component, userSlice('ann'))
  })
  afterAll(() => own.remove())
  const entry = (path: string): ReturnType<ReadSlice['entries']['get']> =>
    read.entries.get(
      formatKey(
        encodeKey(
          'entry',
          path.split('/').map((part) => Buffer.from(part, 'latin1')),
        ),
      ),
    )
  const has = (part: HomePart): boolean => built.parts.has(part)
  const isRoot = process.geteuid?.() === 0

  test('keeps modes, set-id and sticky bits, owners and exact times', () => {
    expect(entry(homeMap.mode.private)?.state).toMatchObject({ type: 'file', mode: '0600', size: 7 })
    expect(entry(homeMap.mode.program)?.state).toMatchObject({ mode: '4755' })
    expect(entry(homeMap.mode.setgid)?.state).toMatchObject({ type: 'directory', mode: '2775' })
    if (has('owners')) expect(entry(homeMap.owned)?.state).toMatchObject({ uid: 1000, gid: 100, mode: '0664' })
    if (has('times'))
      for (const one of [homeMap.exactTime, homeMap.beforeEpoch])
        expect(entry(one.path)?.state['mtime']).toBe(one.mtimeNs.toString())
    expect(read.entries.get('.')?.state).toEqual({
      type: 'directory',
      mode: expect.any(String),
      uid: expect.any(Number),
      gid: expect.any(Number),
      mtime: expect.any(String),
    })
  })

  test('keeps links as links, bytes and all, and never what they lead to', () => {
    expect(entry(homeMap.links.relative)?.state).toMatchObject({ type: 'link', target: '../modes/private' })
    expect(entry(homeMap.links.dangling)?.state).toMatchObject({ target: '../gone' })
    expect(entry(homeMap.links.bytes)?.state).toMatchObject({
      targetBytes: Buffer.from('to \xff', 'latin1').toString('base64url'),
    })
    for (const path of Object.values(homeMap.links)) {
      expect(entry(path)).not.toHaveProperty('data')
      expect(entry(path)?.state).not.toHaveProperty('mode')
    }
    expect([...read.entries.keys()].filter((path) => path.startsWith('links/directory/'))).toEqual([])
  })

  test('keeps one content for a file with several names', () => {
    const [first, ...others] = homeMap.hardLinks
    expect(entry(first)?.data?.toString()).toBe('one file, three names')
    expect(entry(first)?.state).not.toHaveProperty('hardLinkTo')
    for (const other of others) {
      expect(entry(other)?.state).toMatchObject({ type: 'file', hardLinkTo: first })
      expect(entry(other)).not.toHaveProperty('data')
    }
  })

  test('keeps holes as holes', () => {
    if (!has('holes')) return expect(built.missing.map(({ part }) => part)).toContain('holes')
    const { sparse, onlyHole } = homeMap
    expect(entry(sparse.path)?.sizeBytes).toBe(sparse.sizeBytes)
    expect(entry(sparse.path)?.data?.equals(Buffer.alloc(sparse.dataBytes, 'data'))).toBe(true)
    expect(entry(sparse.path)?.holes[0]).toEqual({ at: 0, bytes: sparse.dataAt })
    expect(entry(onlyHole.path)?.sizeBytes).toBe(onlyHole.sizeBytes)
    // By guess, the odd bytes after the last block may be data.
    expect(entry(onlyHole.path)?.data?.length).toBeLessThan(4096)
  })

  test('keeps extended attributes and ACLs, or says that it cannot', () => {
    if (kind === 'proc' || kind === 'path') return expect(notesOf(read, 'fidelity')).toEqual([''])
    expect(notesOf(read, 'fidelity')).toEqual([])
    if (has('attributes')) {
      expect(entry(homeMap.attributed)?.state['attributes']).toEqual({
        'user.toriki.note': Buffer.from('kept').toString('base64url'),
        'user.bytes': 'AAH_',
      })
    }
    if (has('acls')) {
      expect(entry(homeMap.acl.file)?.state['attributes']).toEqual({
        'system.posix_acl_access': aclBytes.toString('base64url'),
      })
      expect(entry(homeMap.acl.directory)?.state['attributes']).toEqual({
        'system.posix_acl_default': aclBytes.toString('base64url'),
      })
    }
  })

  test('keeps empty directories, and names of any bytes and length', () => {
    expect(entry(homeMap.emptyDirectory)?.state).toMatchObject({ type: 'directory' })
    if (has('byte-names')) expect(entry(homeMap.byteName)?.data?.toString()).toBe('not UTF-8')
    if (has('odd-names')) for (const name of homeMap.oddNames) expect(entry(name)?.data?.toString()).toBe(name)
    expect(entry(homeMap.longName)?.data?.toString()).toBe('255 bytes')
  })

  test('keeps the place of FIFOs, sockets and devices, never opens them, and says so', () => {
    const special: string[] = []
    for (const [part, path, state] of [
      ['fifo', homeMap.fifo, { type: 'fifo' }],
      ['socket', homeMap.socket, { type: 'socket' }],
      ['devices', homeMap.device.path, { type: 'character-device', device: { major: 1, minor: 3 } }],
    ] as const) {
      if (!has(part)) continue
      special.push(path)
      expect(entry(path)?.state).toMatchObject(state)
      expect(entry(path)).not.toHaveProperty('data')
    }
    expect(notesOf(read, 'special-file')).toEqual(special.sort())
  })

  test('keeps the place of what may not be read, and says so', () => {
    const { file, directory } = homeMap.unreadable
    if (isRoot) {
      expect(entry(file)?.data?.toString()).toBe('closed')
      expect(entry(`${directory}/inside`)?.state).toMatchObject({ type: 'file' })
      return expect(notesOf(read, 'unreadable')).toEqual([])
    }
    for (const path of [file, directory]) expect(entry(path)?.state).toMatchObject({ mode: '0000', unreadable: true })
    expect(entry(file)).not.toHaveProperty('data')
    expect(notesOf(read, 'unreadable')).toEqual([directory, file])
  })

  test('keeps what lies deeper than any call reaches', () => {
    if (!has('deep') || kind === 'path') return expect(kind === 'path' || built.missing.length > 0).toBe(true)
    const deepest = `deep/${Array.from({ length: homeMap.deep.levels }, () => homeMap.deep.name).join('/')}`
    expect(deepest.length).toBeGreaterThan(4096)
    expect(read.entries.get(deepest)?.state).toMatchObject({ type: 'directory' })
    expect(read.entries.get(`${deepest}.txt`)?.data?.toString()).toBe(`level ${homeMap.deep.levels - 1}`)
  })

  test('left out of this machine’s tests only what it cannot build, each with its reason', () => {
    for (const { part, reason } of built.missing) expect([part, reason]).toEqual([part, expect.stringMatching(/\S/)])
    if (process.platform === 'linux' && isRoot && native !== undefined)
      expect(built.missing.filter(({ part }) => !['attributes', 'acls', 'devices'].includes(part))).toEqual([])
  })
})
