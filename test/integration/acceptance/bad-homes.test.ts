import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { makeNebari } from '../../kit/acceptance/nebari.ts'
import type { Report } from '../../kit/acceptance/nebari.ts'
import { startToriki } from '../../kit/acceptance/toriki-process.ts'
import { waitUntil } from '../../kit/servers/wait-until.ts'

interface Listed {
  readonly components: Readonly<
    Record<string, { readonly notes: readonly { readonly code: string; readonly examples: readonly string[] }[] }>
  >
}

test('homes of any name a file system takes are saved, found again by the name that is shown, and harm nobody', async () => {
  const names = [
    'new\nline',
    'caf\xe9, not UTF-8',
    'n'.repeat(255),
    ' a space ',
    '%41',
    '%2Fetc',
    '-rf',
    '..x',
    '\x01',
    '\x1b[31mred',
    `quote'"`,
    'latest',
    'shared ',
    'back\\slash',
    'at@20260101',
  ]
  const nebari = await makeNebari({
    users: 0,
    homes(root) {
      mkdirSync(join(root, 'home'))
      for (const name of ['ann', ...names]) {
        const home = Buffer.concat([Buffer.from(`${root}/home/`), Buffer.from(name, 'latin1')])
        mkdirSync(home)
        writeFileSync(Buffer.concat([home, Buffer.from('/whose')]), Buffer.from(name, 'latin1'))
      }
      // What is no directory is nobody's home.
      writeFileSync(join(root, 'home', 'a file'), 'of nobody')
      return ['ann']
    },
  })
  const report = await nebari.json<Report>('backup')
  expect(report).toMatchObject({ outcome: 'complete', slices: { total: names.length + 1, saved: names.length + 1 } })
  const shown = (await nebari.json<{ readonly name: string }[]>('users')).map(({ name }) => name)
  expect(shown).toHaveLength(names.length + 1)
  const found: string[] = []
  for (const name of shown) {
    const cat = await nebari.toriki(['cat', 'latest', 'files', 'whose', '--content', `--user=${name}`])
    expect([name, cat.status]).toEqual([name, 0])
    found.push(cat.bytes.toString('latin1'))
  }
  expect(found.sort()).toEqual(['ann', ...names].sort())
  for (const words of [['users'], ['snapshots'], ['backup', '--dry-run'], ['find', 'whose']])
    expect((await nebari.toriki(words)).out).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f]/)
})

test('a file that vanishes, one that grows, one that nobody may read: kept as far as can be, noted, and nobody else is held up', async () => {
  const nobody = process.geteuid?.() === 0 ? 65_534 : undefined
  const nebari = await makeNebari({
    users: 0,
    homes(root) {
      const ann = join(root, 'home/ann')
      mkdirSync(ann, { recursive: true })
      writeFileSync(join(ann, 'a-slow.bin'), Buffer.alloc(4_000_000, 'slow'))
      writeFileSync(join(ann, 'b-grows.log'), Buffer.alloc(4_000_000, 'grow'))
      writeFileSync(join(ann, 'c-closed.txt'), 'closed')
      writeFileSync(join(ann, 'd-vanishes.txt'), 'gone soon')
      writeFileSync(join(ann, 'e-stays.txt'), 'stays')
      chmodSync(join(ann, 'c-closed.txt'), 0o000)
      mkdirSync(join(root, 'home/ben'))
      writeFileSync(join(root, 'home/ben/plan.md'), 'plan')
      return ['ann', 'ben']
    },
    change(settings) {
      settings.limits = { ...settings.limits, bytesPerSecond: { files: '2MiB' } }
    },
  })
  if (nobody !== undefined) {
    execFileSync('chown', ['-R', String(nobody), nebari.folder])
    execFileSync('chown', ['0', join(nebari.home('ann'), 'c-closed.txt')])
  }
  const toriki = startToriki(nebari.settings, ['--json', 'backup'], {
    leaseMs: 5_000,
    ...(nobody === undefined ? {} : { uid: nobody }),
  })
  const open = async (name: string): Promise<void> => {
    await waitUntil(`${name} is being read`, () => isOpen(toriki.pid, name) || undefined, {
      timeoutMs: 30_000,
      everyMs: 5,
    })
  }
  await open('a-slow.bin')
  rmSync(join(nebari.home('ann'), 'd-vanishes.txt'))
  await open('b-grows.log')
  appendFileSync(join(nebari.home('ann'), 'b-grows.log'), 'and grows')
  expect(await toriki.ended).toBe(0)
  expect(JSON.parse(toriki.out())).toMatchObject({ outcome: 'complete', slices: { total: 2, saved: 2 }, failures: [] })

  const [snapshot] = await nebari.json<Listed[]>('snapshots', '--user', 'ann')
  const notes = Object.fromEntries(
    (snapshot?.components['files']?.notes ?? []).map(({ code, examples }) => [code, examples]),
  )
  expect(notes).toMatchObject({
    'changed-while-reading': expect.arrayContaining(['b-grows.log']),
    unreadable: ['c-closed.txt'],
    vanished: ['d-vanishes.txt'],
  })
  const cat = async (key: string): Promise<string> =>
    (await nebari.toriki(['cat', 'latest', 'files', key, '--user', 'ann', '--content'])).out
  expect(await cat('b-grows.log')).toBe('grow'.repeat(1_000_000))
  expect(await cat('e-stays.txt')).toBe('stays')
  const closed = await nebari.json<{ state: { unreadable?: boolean } }>(
    'cat',
    'latest',
    'files',
    'c-closed.txt',
    '--user',
    'ann',
  )
  expect(closed.state.unreadable).toBe(true)
})

/** Has the process a file of this name open? */
function isOpen(pid: number, name: string): boolean {
  return readdirSync(`/proc/${pid}/fd`).some((handle) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${handle}`).endsWith(`/${name}`)
    } catch {
      return false // closed meanwhile
    }
  })
}

test('a home that is a link to another home, or to the whole system, is refused for that person alone, and nothing of where it leads is read', async () => {
  const nebari = await makeNebari({ users: 4 })
  symlinkSync('ann', join(nebari.root, 'home/link-to-ann'))
  symlinkSync('/', join(nebari.root, 'home/link-to-all'))
  const report = await nebari.json<Report>('backup')
  expect(report).toMatchObject({ outcome: 'partial', slices: { total: 4 + 3 + 2, saved: 4 + 3, failed: 2 } })
  expect(report.failures.map(({ slice, code }) => `${slice} ${code}`).sort()).toEqual([
    'user/link-to-all home-is-link',
    'user/link-to-ann home-is-link',
  ])
  for (const user of ['link-to-all', 'link-to-ann']) expect(await nebari.json('snapshots', '--user', user)).toEqual([])
})

test('a person who is gone when the message comes is skipped, the run is complete, and what was kept of her stays', async () => {
  const nebari = await makeNebari({ users: 8 })
  expect((await nebari.toriki(['backup'])).status).toBe(0)
  const { run } = await nebari.json<{ run: string }>('backup', '--detach')
  rmSync(nebari.home('carla'), { recursive: true })
  const report = await nebari.json<Report>('backup')
  expect(report).toMatchObject({
    run,
    outcome: 'complete',
    slices: { total: 11, saved: 10, skipped: 1, failed: 0 },
    failures: [],
  })
  expect((await nebari.toriki(['ls', 'latest', '--user', 'carla'])).status).toBe(0)
  expect(await nebari.json('users', '--all')).toContainEqual(expect.objectContaining({ name: 'carla', left: true }))
})
