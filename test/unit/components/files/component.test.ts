import {
  appendFileSync,
  chmodSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { filesComponent } from '../../../../lib/components/files/component.ts'
import { groundKinds, groundOf } from '../../../../lib/components/files/ground.ts'
import type { GroundKind } from '../../../../lib/components/files/ground.ts'
import { loadNative } from '../../../../lib/components/files/native.ts'
import type { Component, Member } from '../../../../lib/components/component.ts'
import { systemClock } from '../../../../lib/platform/clock.ts'
import { compareKeys, encodeKey, formatKey } from '../../../../lib/resources/key.ts'
import { SHARED, groupSlice, userSlice } from '../../../../lib/resources/slice.ts'
import type { FilesSettings } from '../../../../lib/settings.ts'
import { notesOf, readSlice } from '../../../kit/homes/read-files.ts'
import { makeScratch } from '../../../kit/homes/scratch.ts'

const native = await loadNative()
const here = groundKinds.filter(
  (kind) => kind === 'path' || (process.platform === 'linux' && (kind === 'proc' || native !== undefined)),
)
const context = { clock: systemClock, signal: new AbortController().signal }
const ann = userSlice('ann')

let scratch: ReturnType<typeof makeScratch>
beforeEach(() => {
  scratch = makeScratch()
})
afterEach(() => scratch.remove())

function open(changed: Partial<FilesSettings> = {}, kind: GroundKind = here[0] ?? 'path'): Component {
  return filesComponent(
    {
      root: scratch.path,
      home: 'home/{user}',
      group: 'shared/{group}',
      exclude: [],
      excludeDefaults: true,
      ...changed,
    },
    { ground: groundOf(kind, native) },
  )
}

/** Makes files with their own names as content; a path that ends with `/` is a directory. */
function make(...paths: readonly string[]): void {
  for (const path of paths) {
    const whole = join(scratch.path, path)
    mkdirSync(path.endsWith('/') ? whole : join(whole, '..'), { recursive: true })
    if (!path.endsWith('/')) writeFileSync(whole, path)
  }
}

async function members(component: Component): Promise<Member[]> {
  const found: Member[] = []
  for await (const member of component.members(context)) found.push(member)
  return found
}

async function codeOf(action: () => Promise<unknown>): Promise<unknown> {
  try {
    return await action()
  } catch (error) {
    return (error as { code?: unknown }).code
  }
}

describe('members of files', () => {
  test('are the directories of homes and shared directories, whatever their bytes', async () => {
    make('home/ann/', 'home/bob/', 'home/a file', 'home/.snapshot/', 'shared/team/', 'shared/shared/')
    mkdirSync(Buffer.from(`${scratch.path}/home/caf\xe9%`, 'latin1'))
    expect((await members(open())).map(({ slice }) => slice.name)).toEqual([
      'user/ann',
      'user/bob',
      'user/caf%E9%25',
      'group/shared',
      'group/team',
    ])
  })

  test('that are links are flagged, so that their read fails aloud', async () => {
    make('home/ann/')
    symlinkSync('ann', join(scratch.path, 'home/eve'))
    expect(await members(open())).toContainEqual({ slice: userSlice('eve'), flags: ['home-is-link'] })
    expect(await codeOf(() => readSlice(open(), userSlice('eve')))).toBe('home-is-link')
  })

  test('are told from the other template’s folder and from the old `home/shared`', async () => {
    make('ann/x', 'shared/team/y', 'lost+found/')
    expect((await members(open({ home: '{user}' }))).map(({ slice }) => slice.name)).toEqual(['user/ann', 'group/team'])
    const read = await readSlice(open({ home: '{user}' }), userSlice('shared'))
    expect([...read.entries.keys()]).toEqual([])
    expect(notesOf(read, 'reserved-name')).toEqual([''])
  })

  test('may have a volume each, with fixed directories below', async () => {
    make('claim-ann/data/notes', 'claim-bob/', 'other/')
    const component = open({ home: 'claim-{user}/data' })
    expect((await members(component)).map(({ slice }) => slice.name)).toEqual(['user/ann', 'user/bob'])
    expect([...(await readSlice(component, ann)).entries.keys()]).toEqual(['.', 'notes'])
    expect(notesOf(await readSlice(component, userSlice('bob')), 'no-home')).toEqual([''])
  })

  test('are no groups while Nebari has made no shared directory yet', async () => {
    make('home/ann/')
    expect((await members(open())).map(({ slice }) => slice.name)).toEqual(['user/ann'])
    expect(notesOf(await readSlice(open(), groupSlice('team')), 'no-home')).toEqual([''])
  })

  test('are an error when the folder of the homes is not there: so an unmounted volume looks', async () => {
    expect(await codeOf(() => members(open()))).toBe('root-missing')
    make('shared/team/')
    expect(await codeOf(() => members(open()))).toBe('root-missing')
    expect(await codeOf(() => readSlice(open(), ann))).toBe('root-missing')
    expect(await codeOf(() => members(open({ root: join(scratch.path, 'gone') })))).toBe('root-missing')
  })
})

describe('what files cover', () => {
  test('is users with a home template, groups with a group template, never what is shared by all', () => {
    expect([ann, groupSlice('team'), SHARED].map((slice) => open().covers(slice))).toEqual([true, true, false])
    const { group: _group, ...homesOnly } = {
      root: scratch.path,
      home: 'home/{user}',
      group: '',
      exclude: [],
      excludeDefaults: true,
    }
    expect([ann, groupSlice('team')].map((slice) => filesComponent(homesOnly).covers(slice))).toEqual([true, false])
  })

  test('counts the home itself as a container only', () => {
    expect(open().isContainer?.(encodeKey('entry'))).toBe(true)
    expect(open().isContainer?.(encodeKey('entry', ['a']))).toBe(false)
  })
})

describe('the source of files', () => {
  test('stays the same when homes come, change and go', async () => {
    make('home/ann/notes')
    const before = await open().source?.(ann, context)
    make('home/bob/')
    rmSync(join(scratch.path, 'home/ann'), { recursive: true })
    expect(await open().source?.(ann, context)).toEqual(before)
  })

  test('is another when another directory stands in the root’s place', async () => {
    make('home/ann/notes')
    const before = await open().source?.(ann, context)
    renameSync(join(scratch.path, 'home'), join(scratch.path, 'old'))
    make('home/ann/')
    expect(await open().source?.(ann, context)).not.toEqual(before)
  })
})

describe('what is left out', () => {
  test('is named with its bytes', async () => {
    make('home/ann/.cache/pip/wheel', 'home/ann/.cache/x', 'home/ann/.bashrc', 'home/ann/kept', 'home/ann/a.pyc')
    symlinkSync('/shared', join(scratch.path, 'home/ann/shared'))
    const read = await readSlice(open({ exclude: ['*.pyc'] }), ann)
    expect([...read.entries.keys()]).toEqual(['.', 'kept'])
    expect(notesOf(read, 'left-out')).toEqual(['.bashrc', '.cache', 'a.pyc', 'shared'])
    const cache = read.notes.find((note) => note.key !== undefined && formatKey(note.key) === '.cache')
    expect(cache?.bytes).toBe('home/ann/.cache/pip/wheel'.length + 'home/ann/.cache/x'.length)
  })
})

describe('a read of files', () => {
  test('goes on after any entry, hard links to what came before included', async () => {
    make('home/ann/a/first', 'home/ann/b/', 'home/ann/c')
    for (const path of ['b/second', 'd'])
      linkSync(join(scratch.path, 'home/ann/a/first'), join(scratch.path, 'home/ann', path))
    const whole = [...(await readSlice(open(), ann)).entries.values()]
    for (const [index, { key }] of whole.entries()) {
      const rest = [...(await readSlice(open(), ann, { after: key })).entries.values()]
      expect(rest).toEqual(whole.slice(index + 1))
    }
    for (const [index, one] of whole.entries())
      if (index > 0) expect(compareKeys(whole[index - 1]!.key, one.key)).toBeLessThan(0)
  })

  test('of a range of keys gives what one pass gives of them, hard links to what came before included', async () => {
    make('home/ann/a/first', 'home/ann/b/', 'home/ann/c', 'home/ann/e/f/g')
    for (const path of ['b/second', 'd', 'e/f/third'])
      linkSync(join(scratch.path, 'home/ann/a/first'), join(scratch.path, 'home/ann', path))
    const whole = [...(await readSlice(open(), ann)).entries.values()]
    for (const [first, { key: after }] of whole.entries()) {
      for (const [last, { key: until }] of whole.entries()) {
        const range = [...(await readSlice(open(), ann, { after, until })).entries.values()]
        expect(range).toEqual(whole.slice(first + 1, last + 1))
      }
    }
  })

  test('of a part is an error where there is no home: others may have read theirs when it was there', async () => {
    make('home/bob/a')
    const key = encodeKey('entry', ['a'])
    expect(await codeOf(() => readSlice(open(), ann, { after: key }))).toBe('read-failed')
    expect(await codeOf(() => readSlice(open(), ann, { until: key }))).toBe('read-failed')
  })

  test('in ranges is of this directory, and cut between its upper entries', async () => {
    make('home/ann/a/b/c', 'home/ann/a/d', 'home/ann/.cache/x', 'home/ann/e')
    const { identify, borders } = open().ranges!
    const before = await identify(ann, context)
    const keys: string[] = []
    for await (const key of borders(ann, context)) keys.push(formatKey(key))
    expect(keys).toEqual(['a', 'a/b', 'a/d', 'e'])
    expect(await identify(ann, context)).toEqual(before)
    renameSync(join(scratch.path, 'home/ann'), join(scratch.path, 'home/old'))
    expect(await identify(ann, context)).toBeUndefined()
    make('home/ann/a/b/c')
    expect(await identify(ann, context)).not.toEqual(before)
    expect(await identify(SHARED, context)).toBeUndefined()
  })

  test('keeps a file that changes meanwhile, and flags it', async () => {
    make('home/ann/log', 'home/ann/other')
    const log = join(scratch.path, 'home/ann/log')
    truncateSync(log, 3 * 1024 * 1024)
    const notes: string[] = []
    for await (const resource of open().read(ann, {
      ...context,
      note: (note) => notes.push(`${note.code} ${note.key === undefined ? '' : formatKey(note.key)}`),
    })) {
      if (resource.content === undefined) continue
      for await (const part of resource.content.parts())
        if (formatKey(resource.key) === 'log' && part !== undefined) appendFileSync(log, 'again')
    }
    expect(notes).toEqual(expect.arrayContaining(['changed-while-reading log']))
    expect(notes.filter((note) => note.endsWith('other'))).toEqual([])
  })

  test('notes what vanished before it was opened, and yields nothing for it', async () => {
    make('home/ann/a', 'home/ann/b')
    const seen: string[] = []
    const notes: string[] = []
    for await (const { key } of open().read(ann, { ...context, note: ({ code }) => notes.push(code) })) {
      seen.push(formatKey(key))
      if (formatKey(key) === 'a') rmSync(join(scratch.path, 'home/ann/b'))
    }
    expect(seen).toEqual(['.', 'a'])
    expect(notes).toEqual(['vanished'])
  })

  test('of a home that was moved away meanwhile fails: it is not a whole one', async () => {
    make('home/ann/a', 'home/ann/b')
    const failing = async (): Promise<void> => {
      for await (const { key } of open().read(ann, { ...context, note: () => undefined })) {
        if (formatKey(key) === 'a') renameSync(join(scratch.path, 'home/ann'), join(scratch.path, 'home/bob'))
      }
    }
    expect(await codeOf(failing)).toBe('read-failed')
  })

  test('changes nothing in the source: no access time either, where the reader may ask for that', async () => {
    make('home/ann/a')
    const path = join(scratch.path, 'home/ann/a')
    lutimesSync(path, 1_000_000_000, 1_500_000_000)
    await readSlice(open(), ann)
    if (here[0] !== 'path') expect(statSync(path).atimeMs).toBe(1_000_000_000_000)
    expect(statSync(path).mtimeMs).toBe(1_500_000_000_000)
  })

  test('holds the bytes per second over all slices', async () => {
    make('home/ann/a', 'home/bob/a')
    const slept: number[] = []
    const clock = { ...systemClock, monotonicMs: () => 0, sleep: (ms: number) => Promise.resolve(void slept.push(ms)) }
    const component = open({ bytesPerSecond: 10 })
    await readSlice(component, ann, { clock })
    await readSlice(component, userSlice('bob'), { clock })
    expect(slept).toEqual([1000])
  })

  test('holds no handle afterwards, however it ends', async () => {
    if (process.platform !== 'linux') return expect(here).toEqual(['path'])
    make('home/ann/a/b', 'home/ann/c')
    const handles = (): number => readdirSync('/proc/self/fd').length
    const before = handles()
    await readSlice(open(), ann)
    await readSlice(open(), ann, { stopAfter: 3 })
    await members(open())
    await open().source?.(ann, context)
    await readSlice(open(), userSlice('nobody'))
    expect(handles()).toBe(before)
  })

  test('of a home that may not be entered is an error', async () => {
    make('home/ann/a')
    chmodSync(join(scratch.path, 'home/ann'), 0o000)
    const expected = process.geteuid?.() === 0 ? 'read' : 'home-unreadable'
    expect(await codeOf(() => readSlice(open(), ann).then(() => 'read'))).toBe(expected)
    chmodSync(join(scratch.path, 'home/ann'), 0o700)
  })
})
