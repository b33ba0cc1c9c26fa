import { readdirSync } from 'node:fs'
import { mkdir, mkdtemp, realpath, rename, rm, stat, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { filesWriter } from '../../../../../lib/components/files/write/writer.ts'
import { systemClock } from '../../../../../lib/platform/clock.ts'
import type { Change } from '../../../../../lib/resources/change.ts'
import { encodeKey } from '../../../../../lib/resources/key.ts'
import { userSlice } from '../../../../../lib/resources/slice.ts'

const ann = userSlice('ann')
const context = {
  clock: systemClock,
  signal: new AbortController().signal,
  restore: '20261121T020000000Z-restore-1f0c2d3e4a',
  options: { installerOwned: false, privileged: false },
}
const MTIME = 1_793_620_800_123_456_789n
const PATHS = ['a', 'a/b', 'a/b/c', 'a/d', 'e']

let root: string
let home: string

beforeEach(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'complete-many-')))
  home = join(root, 'home/ann')
  for (const path of PATHS) await mkdir(join(home, path), { recursive: true })
})

afterEach(async () => {
  await rm(root, { recursive: true })
})

function directory(path: string): Change {
  const { uid, gid } = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }
  const state = { type: 'directory', mode: '0755', uid, gid, mtime: String(MTIME) }
  const key = encodeKey(
    'entry',
    path.split('/').map((name) => Buffer.from(name)),
  )
  return { key, after: { state, kept: {}, secrets: {} } }
}

const changes = PATHS.map(directory).reverse()

function writer() {
  return filesWriter({ root, home: 'home/{user}', exclude: [], excludeDefaults: true })
}

async function timeOf(path: string): Promise<bigint> {
  return (await stat(path, { bigint: true })).mtimeNs
}

test('every directory gets its time, which completing those beneath does not move', async () => {
  await writer().completeMany?.(ann, changes, context)
  expect(await Promise.all(PATHS.map((path) => timeOf(join(home, path))))).toEqual(PATHS.map(() => MTIME))
})

test('is asked before each, and nothing is written after it may not go on', async () => {
  let asked = 0
  const still = (): Promise<void> => (asked++ < 2 ? Promise.resolve() : Promise.reject(new Error('overtaken')))
  await expect(writer().completeMany?.(ann, changes, context, still)).rejects.toThrow('overtaken')
  const done = await Promise.all(PATHS.map(async (path) => (await timeOf(join(home, path))) === MTIME))
  expect(done).toEqual([false, false, false, true, true])
})

test('of any number few are open at once', async () => {
  const names = Array.from({ length: 400 }, (_, number) => `f${String(number).padStart(3, '0')}`)
  const paths = names.flatMap((name) => [name, `${name}/inside`])
  for (const path of paths) await mkdir(join(home, path))
  const before = readdirSync('/proc/self/fd').length
  let most = 0
  const still = (): Promise<void> => {
    most = Math.max(most, readdirSync('/proc/self/fd').length)
    return Promise.resolve()
  }
  await writer().completeMany?.(ann, paths.map(directory).reverse(), context, still)
  expect(most - before).toBeLessThan(300)
  expect(readdirSync('/proc/self/fd').length).toBe(before)
  for (const path of paths) expect(await timeOf(join(home, path))).toBe(MTIME)
})

test('a directory that is swapped for a link on the way leads nowhere', async () => {
  const outside = join(root, 'outside')
  await mkdir(join(outside, 'b/c'), { recursive: true })
  const before = await timeOf(join(outside, 'b/c'))
  let asked = 0
  const still = async (): Promise<void> => {
    if (++asked !== 3) return
    await rename(join(home, 'a'), join(home, 'moved'))
    await symlink(outside, join(home, 'a'))
  }
  await writer().completeMany?.(ann, changes, context, still)
  expect([await timeOf(join(outside, 'b/c')), (await timeOf(join(outside, 'b'))) === MTIME]).toEqual([before, false])
})
