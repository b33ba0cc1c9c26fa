/** Homes with every kind of entry, backed up and restored by the command line, and compared by rsync, which knows everything that we keep. */
import { execFileSync, spawnSync } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { beforeAll, beforeEach, expect, test } from '@jest/globals'
import { makeNebari } from '../../kit/acceptance/nebari.ts'
import type { Nebari } from '../../kit/acceptance/nebari.ts'
import { buildHome, homeMap } from '../../kit/homes/build-home.ts'
import { imageOf } from '../../kit/homes/files-house.ts'
import { startSwapper } from '../../kit/homes/under-swaps.ts'
import { ensureRsync } from '../../kit/servers/install.ts'

const hindrance =
  process.platform !== 'linux'
    ? 'entries of every kind are made on Linux only'
    : process.geteuid?.() === 0
      ? undefined
      : 'owners and devices need root'
const whenRoot = hindrance === undefined ? test : test.skip
const why = hindrance === undefined ? '' : ` (not run: ${hindrance})`
const [USER, GROUP] = [1000, 100]

let nebari: Nebari
/** The home as it was when it was backed up. */
let wanted: string

beforeAll(ensureRsync, 600_000)
beforeEach(async () => {
  if (hindrance !== undefined) return
  nebari = await makeNebari({
    users: 0,
    async homes(root) {
      mkdirSync(join(root, 'home', 'bob'), { recursive: true })
      writeFileSync(join(root, 'home', 'bob', 'his'), 'nobody else’s')
      const home = join(root, 'home', 'ann')
      await buildHome(home)
      // What nobody makes again.
      for (const name of [homeMap.socket, homeMap.device.path]) rmSync(join(home, name))
      // Paths longer than any call takes are nothing for rsync.
      execFileSync('rm', ['-rf', join(home, 'deep')])
      execFileSync('chown', ['-hR', `${USER}:${GROUP}`, home])
      // A new owner takes set-id bits away.
      chmodSync(join(home, homeMap.mode.program), 0o4755)
      chmodSync(join(home, homeMap.mode.setgid), 0o2775)
      // Directories with times of their own, which writing in them would spoil.
      execFileSync('find', [home, '-type', 'd', '-exec', 'touch', '-d', '2024-02-29T12:00:00.123456789Z', '{}', '+'])
      return ['ann', 'bob']
    },
  })
  wanted = join(nebari.folder, 'wanted')
  copy(nebari.home('ann'), wanted)
  expect(await nebari.json('backup')).toMatchObject({ outcome: 'complete' })
})

/** In everything, holes too. */
function copy(from: string, to: string): void {
  execFileSync('cp', ['-a', '--sparse=auto', from, to])
}

/** What rsync would do to make `to` like `from`: nothing, if they are equal. */
function differences(from: string, to: string): string {
  const { stdout, stderr, status } = spawnSync(
    'rsync',
    ['-aHAXn', '--checksum', '--delete', '--itemize-changes', `${from}/`, `${to}/`],
    { encoding: 'latin1' },
  )
  expect([status, stderr]).toEqual([0, ''])
  return stdout
}

async function restore(...words: readonly string[]): Promise<object> {
  const { status, out, err } = await nebari.toriki(['--json', 'restore', '--yes', '--user', 'ann', ...words])
  if (out === '') throw new Error(`it ended with ${status}: ${err}`)
  return JSON.parse(out) as object
}

const whole = { outcome: 'complete', verified: true }

whenRoot(`a home that is gone comes back in place, equal in everything, holes too, as its owner${why}`, async () => {
  expect(differences(wanted, nebari.home('ann'))).toBe('')
  rmSync(nebari.home('ann'), { recursive: true })
  expect(await restore()).toMatchObject(whole)
  expect(differences(wanted, nebari.home('ann'))).toBe('')
  const { sparse, onlyHole } = homeMap
  for (const { path } of [sparse, onlyHole]) {
    const [is, was] = [statSync(join(nebari.home('ann'), path)), statSync(join(wanted, path))]
    expect([path, is.blocks]).toEqual([path, was.blocks])
  }
  expect(lstatSync(nebari.home('ann'))).toMatchObject({ uid: USER, gid: GROUP })
  // A second time there is nothing to do.
  const { out } = await nebari.toriki(['--json', 'restore', 'plan', '--user', 'ann', '--in-place'])
  expect(JSON.parse(out)).toMatchObject({ changes: { create: 0, update: 0, delete: 0, cannot: 0 } })
})

function spoil(home: string): void {
  appendFileSync(join(home, homeMap.mode.private), ', and more')
  chmodSync(join(home, homeMap.mode.program), 0o700)
  for (const path of [
    homeMap.links.relative,
    homeMap.hardLinks[0],
    homeMap.hardLinks[2],
    homeMap.sparse.path,
    homeMap.fifo,
  ])
    unlinkSync(join(home, path))
  symlinkSync('/etc/passwd', join(home, homeMap.links.relative))
  writeFileSync(join(home, homeMap.hardLinks[2]), 'a file of its own')
  for (const path of ['attributes', 'acls', 'empty']) rmSync(join(home, path), { recursive: true })
  mkdirSync(join(home, 'extra', 'one'), { recursive: true })
  writeFileSync(join(home, 'extra', 'one', 'file'), 'extra')
  linkSync(join(home, 'extra', 'one', 'file'), join(home, 'extra', 'two'))
}

whenRoot(
  `a home that was changed in every way comes back in place, and what is not in the snapshot goes only when asked${why}`,
  async () => {
    spoil(nebari.home('ann'))
    expect(await restore('--in-place')).toMatchObject(whole)
    expect(
      differences(wanted, nebari.home('ann'))
        .split('\n')
        .filter((line) => line !== '' && !line.startsWith('*deleting')),
    ).toEqual([])
    expect(existsSync(join(nebari.home('ann'), 'extra', 'two'))).toBe(true)
    expect(await restore('--in-place', '--delete-extra')).toMatchObject(whole)
    expect(differences(wanted, nebari.home('ann'))).toBe('')
  },
)

whenRoot(`beside what is there: equal in everything, and what is there is not touched${why}`, async () => {
  spoil(nebari.home('ann'))
  const spoilt = join(nebari.folder, 'spoilt')
  copy(nebari.home('ann'), spoilt)
  expect(await restore()).toMatchObject(whole)
  const [folder = ''] = execFileSync('ls', [nebari.home('ann')], { encoding: 'latin1' })
    .split('\n')
    .filter((name) => name.startsWith('restored-'))
  expect(differences(wanted, join(nebari.home('ann'), folder))).toBe('')
  renameSync(join(nebari.home('ann'), folder), join(nebari.folder, folder))
  execFileSync('touch', ['-r', spoilt, nebari.home('ann')])
  expect(differences(spoilt, nebari.home('ann'))).toBe('')
})

whenRoot(
  `one name of a file with several comes back as a name of that file, whose first name was not asked for${why}`,
  async () => {
    const [first, second, third] = homeMap.hardLinks
    unlinkSync(join(nebari.home('ann'), third))
    expect(await restore('--in-place', '--path', third)).toMatchObject(whole)
    expect(lstatSync(join(nebari.home('ann'), third)).ino).toBe(lstatSync(join(nebari.home('ann'), first)).ino)
    // When that directory was last written in is what he did himself.
    expect(differences(wanted, nebari.home('ann'))).toBe('.d..t...... hard-links/\n')
    // All of them gone, the first cannot be named: with it both come back.
    for (const path of [first, second, third]) unlinkSync(join(nebari.home('ann'), path))
    expect(await restore('--in-place', '--path', first, '--path', third)).toMatchObject(whole)
    expect(lstatSync(join(nebari.home('ann'), third)).ino).toBe(lstatSync(join(nebari.home('ann'), first)).ino)
    expect(existsSync(join(nebari.home('ann'), second))).toBe(false)
  },
)

whenRoot(
  `while somebody swaps directories for links: nothing outside is touched, and when he stops everything comes back equal${why}`,
  async () => {
    const home = nebari.home('ann')
    // What he will swap is in the snapshot too, with much in it.
    for (const folder of ['directory', 'deep/a/b/c']) {
      mkdirSync(join(home, folder), { recursive: true })
      for (let index = 0; index < 40; index++) writeFileSync(join(home, folder, `file ${index}`), `content ${index}`)
    }
    writeFileSync(join(home, 'file'), 'a file')
    execFileSync('chown', ['-hR', `${USER}:${GROUP}`, join(home, 'directory'), join(home, 'deep'), join(home, 'file')])
    rmSync(wanted, { recursive: true })
    copy(home, wanted)
    expect(await nebari.json('backup')).toMatchObject({ outcome: 'complete' })
    const outside = join(nebari.folder, 'outside')
    for (const folder of ['', 'a/b/c']) {
      mkdirSync(join(outside, folder), { recursive: true })
      for (const name of ['inside', 'only-outside', 'file 1'])
        writeFileSync(join(outside, folder, name), 'the secret of somebody else')
    }
    const before = imageOf(outside)
    const bob = imageOf(nebari.home('bob'))
    for (const folder of ['directory', 'deep/a/b/c'])
      for (let index = 0; index < 40; index += 2) unlinkSync(join(home, folder, `file ${index}`))
    const swapper = await startSwapper(home, outside)
    const outcomes: unknown[] = []
    try {
      for (let tries = 0; tries < 4; tries++) {
        const { status, out, err } = await nebari.toriki(['--json', 'restore', '--yes', '--user', 'ann', '--in-place'])
        outcomes.push(status === 0 ? 'complete' : (/"outcome":\s*"([a-z-]+)"/.exec(out)?.[1] ?? err))
      }
      expect(await swapper.swaps()).toBeGreaterThan(100)
    } finally {
      await swapper.stop()
    }
    expect(imageOf(outside)).toEqual(before)
    expect(imageOf(nebari.home('bob'))).toEqual(bob)
    // Refused, or taken back: he moved what the plan saw.
    expect(outcomes.filter((outcome) => !['complete', 'refused', 'rolled-back'].includes(String(outcome)))).toEqual([])
    expect(execFileSync('find', [home, '-name', '.toriki-*'], { encoding: 'latin1' })).toBe('')
    expect(await restore('--in-place', '--delete-extra')).toMatchObject(whole)
    expect(differences(wanted, home)).toBe('')
  },
)
