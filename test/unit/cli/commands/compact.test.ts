import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { toriki } from '../../../kit/command-line.ts'

const folder = mkdtempSync(join(tmpdir(), 'toriki-compact-'))
const settings = join(folder, 'toriki.yaml')
const home = join(folder, 'nebari/home/ann')
const DAYS = 2
const PIECE_BYTES = 4096

interface Said {
  readonly repacked: { readonly packs: number; readonly deadBytes: number }
  readonly written: { readonly packs: number }
}

/** As if everything in the store were older than prune’s grace time, each as much. */
function age(): void {
  const store = join(folder, 'toriki-data')
  for (const name of readdirSync(store, { recursive: true, encoding: 'utf8' })) {
    const before = new Date(statSync(join(store, name)).mtimeMs - DAYS * 86_400_000)
    utimesSync(join(store, name), before, before)
  }
}

const ids = async (): Promise<readonly string[]> =>
  (await toriki(settings, ['--json', 'snapshots', '--user', 'ann']))
    .json<readonly { readonly id: string }[]>()
    .map(({ id }) => id)

beforeAll(async () => {
  mkdirSync(home, { recursive: true })
  await toriki(settings, ['init', '--deployment', 'test', '--files-root', join(folder, 'nebari')])
  // Nothing that compresses: 700 pieces, of which 100 stay.
  let state = 1
  for (let file = 0; file < 700; file++) {
    const bytes = Buffer.alloc(PIECE_BYTES)
    for (let at = 0; at < bytes.length; at++) {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
      bytes[at] = state >>> 24
    }
    writeFileSync(join(home, `piece-${String(file).padStart(3, '0')}`), bytes)
  }
  expect(await toriki(settings, ['--json', 'backup'])).toMatchObject({ status: 0 })
  for (const name of readdirSync(home)) if (Number(name.slice(-3)) % 7 !== 0) rmSync(join(home, name))
  expect(await toriki(settings, ['--json', 'backup'])).toMatchObject({ status: 0 })
  appendFileSync(settings, 'retention: { last: 1 }\n')
  expect(await toriki(settings, ['--json', 'forget', '--apply'])).toMatchObject({ status: 0 })
  age()
}, 60_000)

afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('toriki compact', () => {
  test('says what it would pack anew and writes nothing without --apply', async () => {
    const { status, out } = await toriki(settings, ['compact'])
    expect([status, out]).toEqual([0, expect.stringMatching(/Would pack anew what is alive of \d packs? .*2\.\d MiB/s)])
    expect((await toriki(settings, ['--json', 'compact'])).json<Said>()).toMatchObject({ written: { packs: 0 } })
  })

  test('with --apply it does, prune takes the old pack, and what is kept is whole', async () => {
    const done = await toriki(settings, ['--json', 'compact', '--apply'])
    const { repacked, written } = done.json<Said>()
    expect([done.status, repacked.packs > 0, written.packs]).toEqual([0, true, 1])
    age()
    const condemning = (await toriki(settings, ['--json', 'prune', '--apply'])).json<{
      readonly condemned: { readonly packs: number }
    }>()
    expect(condemning.condemned.packs).toBeGreaterThan(0)
    age()
    await toriki(settings, ['--json', 'prune', '--apply'])
    expect(await toriki(settings, ['check', '--read-data'])).toMatchObject({ status: 0 })
    const [kept = ''] = await ids()
    const { status } = await toriki(settings, ['cat', kept, 'files', 'piece-007', '--content'])
    expect(status).toBe(0)
    expect((await toriki(settings, ['--json', 'compact'])).json<Said>().repacked.packs).toBe(0)
  })

  test('refuses a share that is none', async () => {
    const { status, err } = await toriki(settings, ['compact', '--max-dead', 'some'])
    expect([status, err]).toEqual([2, expect.stringContaining('--max-dead takes a percentage from 0 to 99, not some')])
  })
})
