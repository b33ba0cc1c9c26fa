import { execFileSync } from 'node:child_process'
import { randomFillSync } from 'node:crypto'
import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from '@jest/globals'
import { mountHindrance, mounts } from '../../kit/acceptance/mounts.ts'
import { makeNebari } from '../../kit/acceptance/nebari.ts'
import type { Nebari, Report } from '../../kit/acceptance/nebari.ts'
import { snapshotDigest, storedSnapshots, withStored } from '../../kit/acceptance/stored-snapshots.ts'
import { startToriki } from '../../kit/acceptance/toriki-process.ts'

const whenMountable = mountHindrance === undefined ? test : test.skip
const why = mountHindrance === undefined ? '' : ` (not run: ${mountHindrance})`
const SLICES = 12 + 3

afterEach(() => mounts.release())

/** The store on a disk of its own of 2 MB, with one good night in it. */
async function onSmallDisk(): Promise<{ readonly nebari: Nebari; readonly disk: string }> {
  const nebari = await makeNebari({
    users: 12,
    change(settings) {
      // One after the other: else the large file of one takes the room that the record of another needs.
      settings.limits = { ...settings.limits, attempts: 1, parallel: 1 }
    },
  })
  const disk = join(nebari.folder, 'small')
  mkdirSync(disk)
  mounts.small(disk, 2_000_000)
  nebari.configure((settings) => {
    settings.store = { folder: './small/store' }
  })
  expect((await nebari.toriki(['init'])).status).toBe(0)
  expect((await nebari.toriki(['backup'])).status).toBe(0)
  return { nebari, disk }
}

async function everySnapshot(nebari: Nebari): Promise<ReadonlyMap<string, string>> {
  const digests = new Map<string, string>()
  await withStored(nebari.settings, async (repository) => {
    for await (const stored of storedSnapshots(repository))
      digests.set(`${stored.slice}@${stored.snapshot.id}`, await snapshotDigest(stored))
  })
  return digests
}

function fill(disk: string): void {
  const { bavail, bsize } = statfsSync(disk)
  writeFileSync(join(disk, 'filler'), Buffer.alloc(bavail * bsize))
}

whenMountable(
  `a disk too full for some: they fail with what to do, the others are saved, older snapshots open; with room again, replay completes the same run${why}`,
  async () => {
    const { nebari, disk } = await onSmallDisk()
    const before = await everySnapshot(nebari)
    for (const user of nebari.users.slice(0, 6))
      writeFileSync(join(nebari.home(user), 'large.bin'), randomFillSync(Buffer.alloc(600_000)))
    const backup = await nebari.toriki(['--json', 'backup'])
    const report = backup.json<Report>()
    expect(backup.status).toBe(3)
    expect(report).toMatchObject({ outcome: 'partial', slices: { total: SLICES, pending: 0 } })
    expect(report.slices.failed).toBeGreaterThan(0)
    expect(report.slices.saved + report.slices.failed).toBe(SLICES)
    for (const failure of report.failures)
      expect(failure).toMatchObject({
        code: 'store-full',
        message: 'The store has no room left.',
        remedy: 'Free space where the store lies, then replay the run.',
      })
    const now = await everySnapshot(nebari)
    for (const [id, digest] of before) expect([id, now.get(id)]).toEqual([id, digest])

    execFileSync('mount', ['-o', 'remount,size=20000000', disk])
    expect(await nebari.json<Report>('replay')).toMatchObject({
      run: report.run,
      outcome: 'complete',
      slices: { saved: SLICES },
    })
  },
)

whenMountable(
  `a disk without a byte left at the start: refused with what to do, and nothing is lost${why}`,
  async () => {
    const { nebari, disk } = await onSmallDisk()
    const before = await everySnapshot(nebari)
    fill(disk)
    expect(await nebari.toriki(['backup'])).toMatchObject({
      status: 1,
      out: '',
      err: expect.stringMatching(/store-full.*: The store has no room left\.\n.*→ Free space where the store lies/),
    })
    expect(await everySnapshot(nebari)).toEqual(before)
    rmSync(join(disk, 'filler'))
    expect(await nebari.json<Report>('backup')).toMatchObject({ outcome: 'complete', slices: { saved: SLICES } })
  },
)

whenMountable(
  `a disk that fills to the last byte in the middle: the command ends with what to do, older snapshots open, and with room again the run is gone on with${why}`,
  async () => {
    const { nebari, disk } = await onSmallDisk()
    const before = await everySnapshot(nebari)
    nebari.configure((settings) => {
      settings.limits = { ...settings.limits, bytesPerSecond: { files: '256KiB' } }
    })
    const toriki = startToriki(nebari.settings, ['backup'], { leaseMs: 2_000 })
    await toriki.says('working')
    fill(disk)
    expect(await toriki.ended).toBe(1)
    expect(toriki.err()).toContain(
      'store-full: The store has no room left, not even for a record of what failed. What was saved stays.',
    )
    expect(toriki.err()).toContain('→ Free space where the store lies, then go on with: toriki backup')
    const now = await everySnapshot(nebari)
    for (const [id, digest] of before) expect([id, now.get(id)]).toEqual([id, digest])
    rmSync(join(disk, 'filler'))
    expect(await nebari.json<Report>('backup')).toMatchObject({ outcome: 'complete', slices: { saved: SLICES } })
  },
)
