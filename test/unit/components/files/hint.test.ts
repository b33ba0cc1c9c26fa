import {
  appendFileSync,
  chmodSync,
  linkSync,
  mkdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { filesComponent } from '../../../../lib/components/files/component.ts'
import type { Component } from '../../../../lib/components/component.ts'
import type { KnownEntries } from '../../../../lib/resources/known-entries.ts'
import { formatKey } from '../../../../lib/resources/key.ts'
import { userSlice } from '../../../../lib/resources/slice.ts'
import { FakeClock } from '../../../kit/fake-clock.ts'
import { makeScratch } from '../../../kit/homes/scratch.ts'

const ann = userSlice('ann')
const HOUR_MS = 60 * 60 * 1000

let scratch: ReturnType<typeof makeScratch>
let home: string
let component: Component
beforeEach(() => {
  scratch = makeScratch()
  home = join(scratch.path, 'home/ann')
  mkdirSync(join(home, 'notes'), { recursive: true })
  writeFileSync(join(home, 'a.txt'), 'first')
  writeFileSync(join(home, 'notes/b.txt'), 'second')
  symlinkSync('a.txt', join(home, 'link'))
  component = filesComponent({ root: scratch.path, home: 'home/{user}', exclude: [], excludeDefaults: true })
})
afterEach(async () => {
  await component.close()
  scratch.remove()
})

/** One night `laterMs` from now: which entries are read again, by the hints of the night before; hints are kept for the next. */
async function night(hints: Map<string, Buffer>, laterMs = HOUR_MS): Promise<string[]> {
  const clock = new FakeClock({ start: new Date(Date.now() + laterMs).toISOString() })
  const before = new Map(hints)
  const known: KnownEntries = { matches: (key, hint) => before.get(formatKey(key))?.equals(hint) === true }
  const read: string[] = []
  hints.clear()
  for await (const resource of component.read(ann, {
    clock,
    signal: new AbortController().signal,
    note: () => undefined,
    known,
  })) {
    const path = formatKey(resource.key)
    if (resource.unchanged !== true) {
      read.push(path)
      for await (const _ of resource.content?.parts() ?? []) void _
      resource.content?.settle?.()
    }
    const hint = resource.hint?.()
    if (hint !== undefined) hints.set(path, Buffer.from(hint))
  }
  return read
}

describe('what did not change', () => {
  test('is not read again, whatever it is', async () => {
    const hints = new Map<string, Buffer>()
    expect(await night(hints)).toEqual(['.', 'a.txt', 'link', 'notes', 'notes/b.txt'])
    expect(await night(hints)).toEqual([])
    expect(await night(hints)).toEqual([])
  })

  test.each([
    [
      'a content, though its size and time are put back',
      () => {
        const { atime, mtime } = statSync(join(home, 'a.txt'))
        writeFileSync(join(home, 'a.txt'), 'FIRST')
        utimesSync(join(home, 'a.txt'), atime, mtime)
      },
      ['a.txt'],
    ],
    ['a mode', () => chmodSync(join(home, 'a.txt'), 0o600), ['a.txt']],
    ['what was appended', () => appendFileSync(join(home, 'notes/b.txt'), 'more'), ['notes/b.txt']],
    [
      'what was put in its place',
      () => {
        writeFileSync(join(home, 'notes/new'), 'second')
        renameSync(join(home, 'notes/new'), join(home, 'notes/b.txt'))
      },
      ['notes', 'notes/b.txt'],
    ],
    [
      'another name of a file, for all its names',
      () => linkSync(join(home, 'a.txt'), join(home, 'z.txt')),
      ['.', 'a.txt', 'z.txt'],
    ],
    ['what is gone, in the directory it was in', () => rmSync(join(home, 'notes/b.txt')), ['notes']],
  ])('%s is seen', async (_what, change, expected) => {
    const hints = new Map<string, Buffer>()
    await night(hints)
    change()
    expect(await night(hints)).toEqual(expected)
  })

  test('a file whose first name went away is read under the next', async () => {
    linkSync(join(home, 'a.txt'), join(home, 'z.txt'))
    const hints = new Map<string, Buffer>()
    await night(hints)
    rmSync(join(home, 'a.txt'))
    expect(await night(hints)).toEqual(['.', 'z.txt'])
  })

  test('is not told of what changed within the last minute: that is read once more', async () => {
    const hints = new Map<string, Buffer>()
    await night(hints, 0)
    expect(hints.size).toBe(0)
    expect(await night(hints)).toHaveLength(5)
    expect(await night(hints)).toEqual([])
  })
})
