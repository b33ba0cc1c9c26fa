import { readdirSync, writeFileSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, readdir, realpath, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { TorikiError } from '../../../../../lib/errors.ts'
import { filesWriter } from '../../../../../lib/components/files/write/writer.ts'
import { findWritingCalls } from '../../../../../lib/components/files/write/writing-calls.ts'
import { systemClock } from '../../../../../lib/platform/clock.ts'
import type { ComponentWriter } from '../../../../../lib/components/writer.ts'
import type { Change, Wanted } from '../../../../../lib/resources/change.ts'
import { encodeKey } from '../../../../../lib/resources/key.ts'
import { userSlice } from '../../../../../lib/resources/slice.ts'
import { cutCalls } from '../../../../kit/homes/cut-calls.ts'
import type { CutCalls } from '../../../../kit/homes/cut-calls.ts'

const real = await findWritingCalls()
const context = {
  clock: systemClock,
  signal: new AbortController().signal,
  restore: '20261121T020000000Z-restore-1f0c2d3e4a',
  options: { installerOwned: false, privileged: false },
}
const MTIME = 1_793_620_800_000_000_000n

let root: string
let home: string
let cut: CutCalls

beforeEach(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'fresh-')))
  home = join(root, 'home/ann')
  await mkdir(home, { recursive: true })
  cut = cutCalls(real, { withoutFlush: true })
})

afterEach(async () => {
  await rm(root, { recursive: true })
})

function create(name: string, text = name): Change {
  const { uid, gid } = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }
  const state = { type: 'file', mode: '0640', uid, gid, mtime: String(MTIME), size: text.length }
  const ready = [Buffer.from(text)]
  const parts = async function* (): AsyncGenerator<Buffer> {
    yield* ready
  }
  return {
    key: encodeKey('entry', [Buffer.from(name)]),
    after: { state, kept: {}, secrets: {}, content: { sizeBytes: text.length, parts, ready } },
  }
}

test('nothing shows of files that were made while another worker took the step; they are cleared away', async () => {
  const settings = { root, home: 'home/{user}', exclude: [], excludeDefaults: true }
  const writer = filesWriter(settings, { calls: cut.calls })
  const overtaken = (): Promise<void> => Promise.reject(new TorikiError('restore-overtaken'))
  const applying = writer.applyMany?.(userSlice('ann'), [create('one'), create('two')], context, { still: overtaken })
  await expect(applying).rejects.toMatchObject({ code: 'restore-overtaken' })
  expect(await readdir(home)).toEqual([])
})

describe('changes that are begun before earlier ones show', () => {
  const settings = { root: '', home: 'home/{user}', exclude: [], excludeDefaults: true }
  const gate = (): { readonly opened: Promise<void>; readonly open: () => void } => {
    const { promise: opened, resolve: open } = Promise.withResolvers<void>()
    return { opened, open }
  }

  /** Begun, and kept from showing until it is told to. */
  async function begin(writer: ComponentWriter, ...changes: readonly Change[]) {
    const { opened, open } = gate()
    const begun = gate()
    const ended = writer.applyMany?.(userSlice('ann'), changes, context, { shows: () => opened, begun: begun.open })
    await begun.opened
    return { ended, open }
  }

  test('stand under temporary names until they may show', async () => {
    const { ended, open } = await begin(
      filesWriter({ ...settings, root }, { calls: cut.calls }),
      create('a'),
      create('b'),
    )
    const names = await readdir(home)
    expect([names.length, names.every((name) => name.startsWith('.toriki-'))]).toEqual([2, true])
    open()
    await ended
    expect((await readdir(home)).sort()).toEqual(['a', 'b'])
  })

  test('write in the same directory, whose own time stands aside until the last of them has ended', async () => {
    const before = (await stat(home, { bigint: true })).mtimeNs
    const writer = filesWriter({ ...settings, root }, { calls: cut.calls })
    const [one, two] = [await begin(writer, create('a')), await begin(writer, create('b'))]
    one.open()
    await one.ended
    const between = await stat(home, { bigint: true })
    expect(between.atimeNs - before).toBeGreaterThan(100n * 365n * 86_400n * 1_000_000_000n)
    two.open()
    await two.ended
    const after = await stat(home, { bigint: true })
    expect([after.mtimeNs, after.atimeNs < between.atimeNs]).toEqual([before, true])
  })

  test('give another name to a file only when that shows', async () => {
    const writer = filesWriter({ ...settings, root }, { calls: cut.calls })
    const first = await begin(writer, create('a'))
    const { key } = create('b')
    const { state } = create('a').after as Wanted
    const second: Change = { key, after: { state: { ...state, hardLinkTo: 'a' }, kept: {}, secrets: {} } }
    const shows = async (): Promise<void> => {
      first.open()
      await first.ended
    }
    const ended = writer.applyMany?.(userSlice('ann'), [second], context, { shows })
    expect(await ended).toEqual([{ kind: 'applied', complete: false }])
    expect((await stat(join(home, 'b'))).ino).toBe((await stat(join(home, 'a'))).ino)
  })
})

async function apply(...changes: readonly Change[]) {
  const settings = { root, home: 'home/{user}', exclude: [], excludeDefaults: true }
  return await filesWriter(settings, { calls: cut.calls }).applyMany?.(userSlice('ann'), changes, context)
}

test('many files that are not there are made whole, and the directory’s own time stays', async () => {
  const before = (await stat(home, { bigint: true })).mtimeNs
  const names = Array.from({ length: 40 }, (_, number) => `file-${String(number).padStart(2, '0')}`)
  expect(await apply(...names.map((name) => create(name)))).toEqual(
    names.map(() => ({ kind: 'applied', complete: false })),
  )
  expect((await readdir(home)).sort()).toEqual(names)
  for (const name of names) {
    const file = await stat(join(home, name), { bigint: true })
    expect([await readFile(join(home, name), 'utf8'), file.mode & 0o7777n, file.mtimeNs]).toEqual([name, 0o640n, MTIME])
  }
  expect((await stat(home, { bigint: true })).mtimeNs).toBe(before)
})

test('costs no more than a few calls for each file', async () => {
  await apply(create('first'))
  const before = cut.writes()
  await apply(...Array.from({ length: 20 }, (_, number) => create(`file-${String(number).padStart(2, '0')}`)))
  // Made, written, its mode, its time, put in place; beside them the directory's time, and the flush.
  expect(cut.writes() - before).toBeLessThanOrEqual(20 * 5 + 5)
})

test('of any number of directories that files are made in few are open at once, and all get their own times back', async () => {
  const names = Array.from({ length: 700 }, (_, number) => `d${String(number).padStart(3, '0')}`)
  for (const name of names) await mkdir(join(home, name))
  const times = await Promise.all(names.map(async (name) => (await stat(join(home, name), { bigint: true })).mtimeNs))
  let most = 0
  cut.before = (call) => {
    if (call === 'renameToNew') most = Math.max(most, readdirSync('/proc/self/fd').length)
  }
  const before = readdirSync('/proc/self/fd').length
  const inside = (name: string): Change => ({
    ...create('f'),
    key: encodeKey(
      'entry',
      [name, 'f'].map((one) => Buffer.from(one)),
    ),
  })
  expect(await apply(...names.map(inside))).toHaveLength(700)
  expect(most - before).toBeLessThan(400)
  expect(readdirSync('/proc/self/fd').length).toBe(before)
  for (const name of names) expect(await readdir(join(home, name))).toEqual(['f'])
  expect(
    await Promise.all(names.map(async (name) => (await stat(join(home, name), { bigint: true })).mtimeNs)),
  ).toEqual(times)
})

test('what somebody puts there meanwhile stays, and nothing of ours is left', async () => {
  let isPut = false
  cut.before = (call) => {
    if (call !== 'renameToNew' || isPut) return
    isPut = true
    writeFileSync(join(home, 'b'), 'somebody’s')
  }
  const [first, second, third] = [create('a'), create('b'), create('c')]
  expect(await apply(first, second, third)).toEqual([
    { kind: 'applied', complete: false },
    { kind: 'conflict', fields: expect.any(Array) },
  ])
  expect(await readFile(join(home, 'b'), 'utf8')).toBe('somebody’s')
  expect((await readdir(home)).sort()).toEqual(['a', 'b'])
})

test('what a cut-off try left is cleared away', async () => {
  cut.cutAt(9)
  await expect(apply(create('a'), create('b'), create('c'))).rejects.toThrow('the process is gone')
  expect(await readdir(home)).not.toEqual([])
  cut.cutAt(undefined)
  expect(await apply(create('a'), create('b'), create('c'))).toHaveLength(3)
  expect((await readdir(home)).sort()).toEqual(['a', 'b', 'c'])
})

test('what is there already as wanted counts as made', async () => {
  await apply(create('a'))
  expect(await apply(create('a'), create('b'))).toEqual([
    { kind: 'already', complete: false },
    { kind: 'applied', complete: false },
  ])
})

test('a content that is shorter than it should be is never put in its place', async () => {
  const short = create('a', 'twelve bytes')
  const ready = [Buffer.from('twelve')]
  const parts = async function* (): AsyncGenerator<Buffer> {
    yield* ready
  }
  const after = { ...short.after, content: { sizeBytes: 12, parts, ready } } as Change['after']
  await expect(apply({ ...short, after } as Change)).rejects.toMatchObject({ code: 'restore-not-verified' })
  expect(await readdir(home)).toEqual([])
})
