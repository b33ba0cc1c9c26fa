/** A home that threads read, cut and seal, by a process that is killed (-9): what they had begun counts for nothing, and what is shown is whole. */
import { randomFillSync } from 'node:crypto'
import { globSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from '@jest/globals'
import { checkIndependently } from '../../kit/acceptance/check-independently.ts'
import { homeFiles } from '../../kit/acceptance/home-files.ts'
import { makeNebari } from '../../kit/acceptance/nebari.ts'
import { snapshotDigest, storedFiles, storedSnapshots, withStored } from '../../kit/acceptance/stored-snapshots.ts'
import { startToriki } from '../../kit/acceptance/toriki-process.ts'
import { seededRandom } from '../../kit/seeded-random.ts'

const KILLS = 5
const MIB = 1024 * 1024
/** So long a message is a dead process's: then the next one goes on with it. */
const LEASE_MS = 1_000
/** From the first pack to the snapshot, at most; a backup that is over before its moment halves it, for machines differ. */
const WORK_MS_MAX = 400

test('a backup by threads killed (-9) at 5 random moments: older snapshots open as they were, no half one shows, the next backup is whole', async () => {
  const random = seededRandom('killed threads')
  const nebari = await makeNebari({
    users: 0,
    homes: (root) => {
      mkdirSync(join(root, 'home', 'ann', 'many'), { recursive: true })
      return ['ann']
    },
  })
  const home = nebari.home('ann')
  /** New content for most of it: far more than one thread is left alone with. */
  const change = (): void => {
    for (let file = 0; file < 400; file++)
      if (random.fraction() < 0.7) writeFileSync(join(home, 'many', `${file}`), randomFillSync(Buffer.alloc(9_000)))
    for (let file = 0; file < 6; file++)
      writeFileSync(join(home, `large-${file}`), randomFillSync(Buffer.alloc(9 * MIB)))
  }
  const digests = new Map<string, string>()
  const look = async (): Promise<void> => {
    const shown: string[] = []
    await withStored(nebari.settings, async (repository) => {
      for await (const stored of storedSnapshots(repository)) {
        const digest = await snapshotDigest(stored)
        const { id } = stored.snapshot
        expect([id, digest]).toEqual([id, digests.get(id) ?? digest])
        if (!digests.has(id)) expect(await storedFiles(stored)).toEqual(homeFiles(home))
        digests.set(id, digest)
        shown.push(id)
      }
    })
    expect(shown.length).toBe(digests.size)
  }
  change()
  /** Resolves when the store has another pack. */
  const anotherPack = async (child: { readonly ended: Promise<unknown> }): Promise<void> => {
    const packs = (): number => globSync('slices/*/packs/*', { cwd: nebari.store }).length
    const before = packs()
    let isOver = false
    void child.ended.then(() => (isOver = true))
    while (!isOver && packs() === before) await sleep(2)
  }
  expect(await nebari.toriki(['--json', 'backup'])).toMatchObject({ status: 0 })
  await look()
  let [kills, packsLeft, workMs] = [0, 0, WORK_MS_MAX]
  for (let tries = 0; kills < KILLS && tries < 4 * KILLS; tries++) {
    change()
    const child = startToriki(nebari.settings, ['--json', 'backup'], { leaseMs: LEASE_MS })
    const wait = random.fraction() * workMs
    const over = anotherPack(child).then(async () => await sleep(wait).then(() => 'moment' as const))
    if ((await Promise.race([child.ended, over])) === 'moment') child.kill('SIGKILL')
    if ((await child.ended) === 'SIGKILL') kills++
    else workMs /= 2
    await look()
    const before = await checkIndependently(nebari)
    expect(before.violations).toEqual([])
    packsLeft += before.deadContent.length
    expect(await nebari.toriki(['--json', 'backup'])).toMatchObject({ status: 0 })
    await look()
  }
  expect([kills, (await checkIndependently(nebari)).violations]).toEqual([KILLS, []])
  // Some moments must fall between a pack and its snapshot, or the test shows little.
  expect(packsLeft).toBeGreaterThan(0)
})
