/**
 * Builds a real home with every kind of entry that a file system holds (docs of lib/components/files): what the machine, the user or the file
 * system under test does not allow is left out and counted with its reason, never in silence.
 */
import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  ftruncateSync,
  linkSync,
  mkdirSync,
  openSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { nativeCalls } from './native-calls.ts'
import type { NativeCalls } from './native-calls.ts'

export const homeParts = [
  'modes',
  'owners',
  'times',
  'links',
  'hard-links',
  'holes',
  'attributes',
  'acls',
  'empty-directories',
  'byte-names',
  'odd-names',
  'long-names',
  'fifo',
  'socket',
  'devices',
  'unreadable',
  'deep',
] as const
export type HomePart = (typeof homeParts)[number]

export interface BuiltHome {
  readonly path: string
  readonly parts: ReadonlySet<HomePart>
  readonly missing: readonly { readonly part: HomePart; readonly reason: string }[]
}

/** Where what lies; names are byte strings (`latin1`), paths beneath the home. */
export const homeMap = {
  mode: { private: 'modes/private', program: 'modes/program', setgid: 'modes/setgid-directory' },
  owned: 'owners/of-1000-100',
  exactTime: { path: 'times/exact', mtimeNs: 1_700_000_000_987_654_321n },
  beforeEpoch: { path: 'times/before-1970', mtimeNs: -86_399_876_543_211n },
  links: {
    relative: 'links/relative',
    dangling: 'links/dangling',
    bytes: 'links/bytes',
    directory: 'links/directory',
    outside: 'links/outside',
  },
  hardLinks: ['hard-links/a/first', 'hard-links/b/second', 'hard-links/c'],
  sparse: { path: 'holes/sparse', sizeBytes: 64 * 1024 * 1024, dataAt: 16 * 1024 * 1024, dataBytes: 128 * 1024 },
  onlyHole: { path: 'holes/only-hole', sizeBytes: 3 * 1024 * 1024 + 17 },
  attributed: 'attributes/file',
  acl: { file: 'acls/file', directory: 'acls/directory' },
  emptyDirectory: 'empty/one/two',
  byteName: 'byte-names/caf\xe9 \xff',
  oddNames: [
    'odd/new\nline',
    'odd/100%',
    'odd/%41',
    'odd/\x01',
    'odd/\x01\x02',
    'odd/\x02',
    'odd/tab\t',
    'odd/ space ',
    'odd/-rf',
    'odd/back\\slash',
    'odd/!bang',
    'odd/#hash',
    'odd/\xe5\x8f\x96\xe6\x9c\xa8',
  ],
  longName: `long/${'n'.repeat(255)}`,
  fifo: 'special/fifo',
  socket: 'special/socket',
  device: { path: 'special/null', major: 1, minor: 3 },
  unreadable: { file: 'closed/file', directory: 'closed/directory' },
  /** Its whole path is longer than any call takes. */
  deep: { levels: 18, name: 'd'.repeat(240) },
} as const

/** The value of `acls/*`: owner rwx, user 1234 r--, group r-x, mask rwx, others none; as the kernel wants it (version 2, little-endian). */
export const aclBytes = Buffer.from([
  ...[2, 0, 0, 0],
  ...[1, 0, 7, 0, 0xff, 0xff, 0xff, 0xff],
  ...[2, 0, 4, 0, 0xd2, 0x04, 0, 0],
  ...[4, 0, 5, 0, 0xff, 0xff, 0xff, 0xff],
  ...[0x10, 0, 7, 0, 0xff, 0xff, 0xff, 0xff],
  ...[0x20, 0, 0, 0, 0xff, 0xff, 0xff, 0xff],
])

/** `path` is made; nothing may stand there yet. */
export async function buildHome(path: string): Promise<BuiltHome> {
  const native = await nativeCalls()
  const builder = new Builder(path, native)
  mkdirSync(path, { recursive: true, mode: 0o777 })
  const missing: { part: HomePart; reason: string }[] = []
  for (const part of homeParts) {
    try {
      builder.build(part)
    } catch (error) {
      missing.push({ part, reason: error instanceof Error ? error.message : String(error) })
    }
  }
  return { path, parts: new Set(homeParts.filter((part) => !missing.some((one) => one.part === part))), missing }
}

class Builder {
  readonly #home: string
  readonly #native: NativeCalls | undefined

  constructor(home: string, native: NativeCalls | undefined) {
    this.#home = home
    this.#native = native
  }

  build(part: HomePart): void {
    const map = homeMap
    switch (part) {
      case 'modes':
        this.#file(map.mode.private, 'private', 0o600)
        this.#file(map.mode.program, '#!/bin/sh\n', 0o4755)
        this.#directory(map.mode.setgid, 0o2775)
        return
      case 'owners':
        this.#file(map.owned, 'a pod’s user', 0o664)
        return chownSync(this.#at(map.owned), 1000, 100)
      case 'times':
        for (const one of [map.exactTime, map.beforeEpoch]) {
          this.#file(one.path, 'time')
          this.#need().setTimeNs(this.#at(one.path), one.mtimeNs)
        }
        return
      case 'links':
        this.#directory('links')
        symlinkSync('../modes/private', this.#at(map.links.relative))
        symlinkSync('../gone', this.#at(map.links.dangling))
        symlinkSync('/etc', this.#at(map.links.directory))
        symlinkSync('/etc/passwd', this.#at(map.links.outside))
        return symlinkSync(Buffer.from('to \xff', 'latin1'), this.#at(map.links.bytes))
      case 'hard-links': {
        const [first, ...others] = map.hardLinks
        this.#file(first, 'one file, three names')
        for (const other of others) {
          this.#directory(parentOf(other))
          linkSync(this.#at(first), this.#at(other))
        }
        return
      }
      case 'holes':
        return this.#holes()
      case 'attributes':
        this.#file(map.attributed, 'attributed')
        this.#need().setAttribute(this.#at(map.attributed), 'user.toriki.note', Buffer.from('kept'))
        return this.#need().setAttribute(this.#at(map.attributed), 'user.bytes', Buffer.of(0, 1, 255))
      case 'acls':
        this.#file(map.acl.file, 'with a list', 0o770)
        this.#directory(map.acl.directory, 0o770)
        this.#need().setAttribute(this.#at(map.acl.file), 'system.posix_acl_access', aclBytes)
        return this.#need().setAttribute(this.#at(map.acl.directory), 'system.posix_acl_default', aclBytes)
      case 'empty-directories':
        return this.#directory(map.emptyDirectory)
      case 'byte-names':
        return this.#file(map.byteName, 'not UTF-8')
      case 'odd-names':
        for (const name of map.oddNames) this.#file(name, name)
        return
      case 'long-names':
        return this.#file(map.longName, '255 bytes')
      case 'fifo':
        this.#directory('special')
        return this.#need().makeNode(this.#at(map.fifo), constants.S_IFIFO | 0o644, 0)
      case 'socket':
        this.#directory('special')
        return this.#need().makeNode(this.#at(map.socket), constants.S_IFSOCK | 0o644, 0)
      case 'devices':
        this.#directory('special')
        return this.#need().makeNode(
          this.#at(map.device.path),
          constants.S_IFCHR | 0o666,
          (map.device.major << 8) | map.device.minor,
        )
      case 'unreadable':
        this.#file(map.unreadable.file, 'closed', 0o000)
        this.#file(`${map.unreadable.directory}/inside`, 'behind a closed door')
        return chmodSync(this.#at(map.unreadable.directory), 0o000)
      case 'deep':
        return this.#deep()
    }
  }

  #holes(): void {
    const { sparse, onlyHole } = homeMap
    this.#directory('holes')
    const handle = openSync(this.#at(sparse.path), 'w', 0o644)
    writeSync(handle, Buffer.alloc(sparse.dataBytes, 'data'), 0, sparse.dataBytes, sparse.dataAt)
    ftruncateSync(handle, sparse.sizeBytes)
    closeSync(handle)
    const empty = openSync(this.#at(onlyHole.path), 'w', 0o644)
    ftruncateSync(empty, onlyHole.sizeBytes)
    closeSync(empty)
    if (statSync(this.#at(sparse.path)).blocks * 512 >= sparse.sizeBytes)
      throw new Error('this file system keeps no holes')
  }

  /** By handle, since no call takes the whole path. */
  #deep(): void {
    if (process.platform !== 'linux') throw new Error('needs /proc/self/fd')
    this.#directory('deep')
    let handle = openSync(this.#at('deep'), constants.O_DIRECTORY)
    for (let level = 0; level < homeMap.deep.levels; level++) {
      const below = `/proc/self/fd/${handle}/${homeMap.deep.name}`
      mkdirSync(below)
      writeFileSync(`${below}.txt`, `level ${level}`)
      const next = openSync(below, constants.O_DIRECTORY)
      closeSync(handle)
      handle = next
    }
    closeSync(handle)
  }

  #file(path: string, content: string, mode = 0o644): void {
    this.#directory(parentOf(path))
    writeFileSync(this.#at(path), content, { mode })
    chmodSync(this.#at(path), mode)
  }

  #directory(path: string, mode = 0o755): void {
    mkdirSync(this.#at(path), { recursive: true })
    chmodSync(this.#at(path), mode)
  }

  #at(path: string): Buffer {
    return Buffer.concat([Buffer.from(`${this.#home}/`), Buffer.from(path, 'latin1')])
  }

  #need(): NativeCalls {
    if (this.#native === undefined) throw new Error('koffi cannot load here')
    return this.#native
  }
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'))
}
