import { mkdir, mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { Foreseen } from '../../../../../lib/components/files/write/foresee.ts'
import { filesWriter } from '../../../../../lib/components/files/write/writer.ts'
import type { Forecast } from '../../../../../lib/components/writer.ts'
import { systemClock } from '../../../../../lib/platform/clock.ts'
import { encodeKey } from '../../../../../lib/resources/key.ts'
import type { JsonObject } from '../../../../../lib/resources/json.ts'
import { userSlice } from '../../../../../lib/resources/slice.ts'

const ann = userSlice('ann')

let root: string
let ask: (path: string, state: JsonObject) => Promise<string>

beforeEach(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'foresee-')))
  await mkdir(join(root, 'home/ann/there'), { recursive: true })
  const writer = filesWriter({ root, home: 'home/{user}', exclude: [], excludeDefaults: true })
  // One plan.
  const context = {
    clock: systemClock,
    signal: new AbortController().signal,
    restore: '20261121T020000000Z-restore-1f0c2d3e4a',
    options: { installerOwned: false, privileged: false },
  }
  ask = async (path, state) => {
    const key = encodeKey(
      'entry',
      path.split('/').map((name) => Buffer.from(name)),
    )
    const { uid, gid } = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }
    const whole = { mode: '0644', uid, gid, mtime: '1793620800123456789', ...state }
    const forecast: Forecast = await writer.foresee(
      ann,
      { key, after: { state: whole, kept: {}, secrets: {} } },
      context,
    )
    return forecast.kind === 'will' ? 'will' : 'code' in forecast ? forecast.code : forecast.kind
  }
})

afterEach(async () => {
  await rm(root, { recursive: true })
})

const file = { type: 'file', size: 0 }
const directory = { type: 'directory' }

test('a file will come where its directory is, and where that comes before it; else it cannot', async () => {
  expect(await ask('there/one', file)).toBe('will')
  expect(await ask('there/two', file)).toBe('will')
  expect(await ask('missing/one', file)).toBe('no-directory')
  expect(await ask('made', directory)).toBe('will')
  expect(await ask('made/one', file)).toBe('will')
  expect(await ask('made/missing/one', file)).toBe('no-directory')
  // A file is no directory.
  expect(await ask('made/one/two', file)).toBe('no-directory')
  expect(await ask('missing/two', file)).toBe('no-directory')
})

test('another name of a file will come after its first name as it is, and not after another file', async () => {
  expect(await ask('there/first', { ...file, size: 0 })).toBe('will')
  expect(await ask('there/other', { ...file, hardLinkTo: 'there/first' })).toBe('will')
  expect(await ask('there/changed', { ...file, mode: '0600', hardLinkTo: 'there/first' })).toBe('first-name-missing')
  expect(await ask('there/nobody', { ...file, hardLinkTo: 'there/missing' })).toBe('first-name-missing')
})

test('that a directory is foreseen says nothing of what it lies in, nor of what is called alike further down', () => {
  const foreseen = new Foreseen()
  foreseen.will(['a', 'b'], 'directory')
  expect(foreseen.isDirectoryMade(['a', 'b', 'file'])).toBe(true)
  expect(foreseen.isDirectoryMade(['a', 'file'])).toBe(false)
  expect(foreseen.isDirectoryMade(['a', 'b', 'c', 'file'])).toBe(false)
  expect(foreseen.isDirectoryMade(['a', 'b', 'other'])).toBe(true)
})
