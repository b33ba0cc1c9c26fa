/** A disk that is full, that may not be written to, or that goes away in the middle of a restore: what was written is taken back, or gone on with; nothing temporary stays. */
import { execFileSync } from 'node:child_process'
import { randomFillSync } from 'node:crypto'
import { closeSync, ftruncateSync, mkdirSync, openSync, readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { SystemFailure } from '../../../lib/components/files/system-failure.ts'
import { findWritingCalls } from '../../../lib/components/files/write/writing-calls.ts'
import { mountHindrance, mounts } from '../../kit/acceptance/mounts.ts'
import { filesHouse, imageOf } from '../../kit/homes/files-house.ts'
import type { FilesHouse } from '../../kit/homes/files-house.ts'
import { makeScratch } from '../../kit/homes/scratch.ts'

const RUN = '20261121T020000000Z-full-0000000001'
const whenMountable = mountHindrance === undefined ? test : test.skip
const why = mountHindrance === undefined ? '' : ` (not run: ${mountHindrance})`

let scratch: ReturnType<typeof makeScratch>
let root: string

beforeEach(() => {
  scratch = makeScratch()
  root = join(scratch.path, 'root')
  mkdirSync(root)
})
afterEach(() => {
  mounts.release()
  scratch.remove()
})

async function openHouse(): Promise<FilesHouse> {
  const house = await filesHouse({ root, calls: await findWritingCalls() })
  mkdirSync(house.at('gone'))
  for (const name of ['a', 'b']) writeFileSync(house.at('gone', name), randomFillSync(Buffer.alloc(100_000)))
  writeFileSync(house.at('gone', 'large'), randomFillSync(Buffer.alloc(1_500_000)))
  writeFileSync(house.at('changed'), 'as it was')
  await house.backUp(RUN)
  rmSync(house.at('gone'), { recursive: true })
  writeFileSync(house.at('changed'), 'newer')
  return house
}

whenMountable(`a disk that fills up: as before, with what to do; with room again it is restored${why}`, async () => {
  mounts.small(root, 4_000_000)
  const house = await openHouse()
  const whole = await house.plan()
  const { bavail, bsize } = statfsSync(root)
  writeFileSync(join(root, 'filler'), Buffer.alloc(bavail * bsize - 800_000))
  const before = imageOf(house.home)
  expect(await house.apply(whole.restore)).toMatchObject({ step: 'undone', code: 'target-full', findings: [] })
  expect(imageOf(house.home)).toEqual(before)
  rmSync(join(root, 'filler'))
  expect(await house.apply((await house.plan()).restore)).toEqual({ step: 'verified' })
  expect(readdirSync(house.at('gone'))).toEqual(['a', 'b', 'large'])
})

whenMountable(
  `a disk that becomes read-only: said with what to do, and gone on with when it may be written to again${why}`,
  async () => {
    mounts.small(root, 4_000_000)
    const house = await openHouse()
    const { restore } = await house.plan()
    const before = imageOf(house.home)
    execFileSync('mount', ['-o', 'remount,ro', root])
    // Nothing was written, and nothing had to be taken back.
    expect(await house.apply(restore)).toMatchObject({ step: 'undone', code: 'target-refused' })
    expect(imageOf(house.home)).toEqual(before)
    execFileSync('mount', ['-o', 'remount,rw', root])
    expect(await house.apply((await house.plan()).restore)).toEqual({ step: 'verified' })
  },
)

/** A volume in a file, which keeps what it holds while it is not mounted. */
function makeVolume(): string {
  const image = join(scratch.path, 'volume')
  const handle = openSync(image, 'w')
  ftruncateSync(handle, 16 * 1024 * 1024)
  closeSync(handle)
  execFileSync('mkfs.ext4', ['-q', image])
  return image
}

/** It goes away between two calls; what is held open goes on into nothing. */
function loseAt(house: FilesHouse, number: number): void {
  let calls = 0
  house.cut.before = () => {
    if (++calls === number) mounts.lose(root)
  }
}

whenMountable.each([
  ['an empty mount point', () => undefined],
  // As when homes lay on the machine's own disk before there was a volume.
  ['a mount point with a home of that name in it', () => mkdirSync(join(root, 'home', 'ann'), { recursive: true })],
])(
  `a volume that goes away in the middle and leaves %s: nothing is written there; mounted again it is restored to its end${why}`,
  async (_title, leave) => {
    leave()
    const image = makeVolume()
    const below = JSON.stringify(imageOf(root))
    mounts.volume(image, root)
    const house = await openHouse()
    const { restore } = await house.plan()
    loseAt(house, 12)
    let losses = 0
    const step = await house.apply(restore, (error) => {
      losses++
      expect(error).toMatchObject({ code: 'root-missing', retry: 'later' })
      expect(JSON.stringify(imageOf(root))).toBe(below)
      mounts.volume(image, root)
    })
    expect([step, losses]).toEqual([{ step: 'verified' }, 1])
    expect(readdirSync(house.at('gone'))).toEqual(['a', 'b', 'large'])
    expect(readdirSync(house.home).filter((name) => name.startsWith('.toriki'))).toEqual([])
  },
)

whenMountable(
  `a volume that stays away until the last try: what was written on it is taken back when it is there again${why}`,
  async () => {
    const image = makeVolume()
    mounts.volume(image, root)
    const house = await openHouse()
    const { restore } = await house.plan()
    const before = imageOf(house.home)
    loseAt(house, 12)
    let left = 2
    const step = await house.apply(restore, () => {
      // Comes back for the last delivery, and then the last call of the work is refused: it is taken back. (The files were made on the volume that was held, while it was away.)
      if (--left > 0) return
      mounts.volume(image, root)
      house.cut.before = (call) => {
        if (call !== 'setTime') return
        house.cut.before = () => undefined
        throw new SystemFailure('EROFS')
      }
    })
    expect(step).toMatchObject({ step: 'undone', code: 'target-refused' })
    expect(imageOf(house.home)).toEqual(before)
  },
)
