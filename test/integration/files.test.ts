/** Homes on real volumes: mounted, unmounted, mounted again; with attributes and lists set by the system's own tools. Needs root on Linux. */
import { execFileSync, spawnSync } from 'node:child_process'
import { closeSync, ftruncateSync, mkdirSync, openSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { filesComponent } from '../../lib/components/files/component.ts'
import type { Component } from '../../lib/components/component.ts'
import { systemClock } from '../../lib/platform/clock.ts'
import { userSlice } from '../../lib/resources/slice.ts'
import { notesOf, readSlice } from '../kit/homes/read-files.ts'
import { makeScratch } from '../kit/homes/scratch.ts'

const ann = userSlice('ann')
const context = { clock: systemClock, signal: new AbortController().signal }
/** Why these tests cannot run on this machine; undefined: they can. */
const hindrance = findHindrance()
const whenPossible = hindrance === undefined ? test : test.skip
const why = hindrance === undefined ? '' : ` (not run: ${hindrance})`

let scratch: ReturnType<typeof makeScratch>
let root: string
let mounted: string[]
beforeEach(() => {
  scratch = makeScratch()
  root = join(scratch.path, 'root')
  mkdirSync(root)
  mounted = []
})
afterEach(() => {
  for (const path of mounted.reverse()) execFileSync('umount', [path])
  scratch.remove()
})

function mount(path: string, ...how: readonly string[]): void {
  execFileSync('mount', [...how, path])
  mounted.push(path)
}

function unmount(path: string): void {
  execFileSync('umount', [path])
  mounted = mounted.filter((one) => one !== path)
}

/** An ext4 volume in a file. */
function makeVolume(name: string): string {
  const image = join(scratch.path, name)
  const handle = openSync(image, 'w')
  ftruncateSync(handle, 16 * 1024 * 1024)
  closeSync(handle)
  execFileSync('mkfs.ext4', ['-q', image])
  return image
}

function open(home = 'home/{user}'): Component {
  return filesComponent({ root, home, exclude: [], excludeDefaults: true })
}

function make(...paths: readonly string[]): void {
  for (const path of paths) {
    mkdirSync(join(root, path, '..'), { recursive: true })
    writeFileSync(join(root, path), path)
  }
}

async function codeOf(action: () => Promise<unknown> | undefined): Promise<unknown> {
  try {
    return await action()
  } catch (error) {
    return (error as { code?: unknown }).code
  }
}

describe('volumes', () => {
  whenPossible(
    `mounted in a home are named and not entered, also when they are of the same file system${why}`,
    async () => {
      make('home/ann/mine', 'home/ann/tmpfs/below', 'home/ann/bound/below', 'home/bob/private', 'home/ann/file')
      mount(join(root, 'home/ann/tmpfs'), '-t', 'tmpfs', 'tmpfs')
      mount(join(root, 'home/ann/bound'), '--bind', join(root, 'home/bob'))
      mount(join(root, 'home/ann/file'), '--bind', join(root, 'home/bob/private'))
      make('home/ann/tmpfs/elsewhere')
      const read = await readSlice(open(), ann)
      expect([...read.entries.keys()]).toEqual(['.', 'bound', 'file', 'mine', 'tmpfs'])
      expect(notesOf(read, 'other-file-system')).toEqual(['bound', 'file', 'tmpfs'])
      expect(read.entries.get('file')).not.toHaveProperty('data')
      expect(read.entries.get('tmpfs')?.state).toMatchObject({ type: 'directory', otherFileSystem: true })
    },
  )

  whenPossible(
    `have the same identity when mounted again, and another one unmounted, or when another is mounted${why}`,
    async () => {
      const [first, second] = [makeVolume('first'), makeVolume('second')]
      mount(root, '-o', 'loop', first)
      make('home/ann/notes')
      const identity = await open().source?.(ann, context)
      unmount(root)
      expect(await codeOf(() => open().source?.(ann, context))).toBe('root-missing')
      expect(await codeOf(() => readSlice(open(), ann))).toBe('root-missing')
      // Somebody made the folders in the empty mount point.
      make('home/ann/made by a server started without its volume')
      expect(await open().source?.(ann, context)).not.toEqual(identity)
      mount(root, '-o', 'loop', second)
      make('home/ann/notes')
      expect(await open().source?.(ann, context)).not.toEqual(identity)
      unmount(root)
      // On another device number: the second volume holds the first one's.
      mkdirSync(join(scratch.path, 'aside'))
      mount(join(scratch.path, 'aside'), '-o', 'loop', second)
      mount(root, '-o', 'loop', first)
      expect(await open().source?.(ann, context)).toEqual(identity)
    },
  )

  whenPossible(`of one person each are read across the mount, and missed when they are not there${why}`, async () => {
    mkdirSync(join(root, 'claim-ann'))
    mount(join(root, 'claim-ann'), '-o', 'loop', makeVolume('claim'))
    make('claim-ann/notes')
    const component = open('claim-{user}')
    const identity = await component.source?.(ann, context)
    expect(identity).toHaveProperty('own')
    expect([...(await readSlice(component, ann)).entries.keys()]).toEqual(['.', 'lost+found', 'notes'])
    unmount(join(root, 'claim-ann'))
    expect(await component.source?.(ann, context)).not.toEqual(identity)
  })
})

describe('attributes and lists set by the system’s own tools', () => {
  whenPossible(`are kept, and those that belong to the machine are named${why}`, async () => {
    execFileSync('sh', [
      '-c',
      'command -v setfattr setfacl >/dev/null || { apt-get update -q && apt-get install -y -q --no-install-recommends attr acl; }',
    ])
    mount(root, '-o', 'loop', makeVolume('volume'))
    make('home/ann/file', 'home/ann/powerful')
    const file = join(root, 'home/ann/file')
    execFileSync('setfattr', ['-n', 'user.origin', '-v', 'field trip', file])
    execFileSync('setfacl', ['-m', 'u:1234:r,m:rw', file])
    execFileSync('setfacl', ['-d', '-m', 'g:100:rwx', join(root, 'home/ann')])
    execFileSync('setfattr', ['-n', 'trusted.ours', '-v', 'x', join(root, 'home/ann/powerful')])
    const read = await readSlice(open(), ann)
    const attributes = read.entries.get('file')?.state['attributes'] as Record<string, string>
    expect(Buffer.from(attributes['user.origin'] ?? '', 'base64url').toString()).toBe('field trip')
    // Put back as bytes, the tool reads the same list.
    const listed = execFileSync('getfacl', ['-cnp', file], { encoding: 'utf8' })
    const copy = join(root, 'home/ann/powerful')
    execFileSync('setfattr', [
      '-n',
      'system.posix_acl_access',
      '-v',
      `0x${Buffer.from(attributes['system.posix_acl_access'] ?? '', 'base64url').toString('hex')}`,
      copy,
    ])
    expect(execFileSync('getfacl', ['-cnp', copy], { encoding: 'utf8' })).toBe(listed)
    expect(listed).toContain('user:1234:r--')
    expect(read.entries.get('.')?.state['attributes']).toHaveProperty(['system.posix_acl_default'])
    expect(notesOf(read, 'attribute-not-kept')).toEqual(['powerful'])
  })
})

function findHindrance(): string | undefined {
  if (process.platform !== 'linux') return 'needs Linux'
  if (process.geteuid?.() !== 0) return 'needs root'
  const probe = makeScratch()
  try {
    if (spawnSync('mount', ['-t', 'tmpfs', 'tmpfs', probe.path]).status !== 0) return 'this sandbox forbids mounts'
    execFileSync('umount', [probe.path])
    return spawnSync('losetup', ['-f']).status === 0 && spawnSync('mkfs.ext4', ['-V']).status === 0
      ? undefined
      : 'needs loop devices and mkfs.ext4'
  } finally {
    probe.remove()
  }
}
