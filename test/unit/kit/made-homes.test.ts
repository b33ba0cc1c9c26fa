import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { digestHome } from '../../kit/made-homes/digest-home.ts'
import { editHome } from '../../kit/made-homes/edit-home.ts'
import { IntegerRandom } from '../../kit/made-homes/integer-random.ts'
import { parseSize } from '../../kit/made-homes/parse-size.ts'
import { filesBelow, makeHome, profiles } from '../../kit/made-homes/profiles.ts'
import type { Profile } from '../../kit/made-homes/profiles.ts'
import { temporaryFolder } from '../../kit/temporary-folder.ts'

/** Seen on Node 24.21, Linux on x64: who sees another has made another home than the figures in docs/benchmarks.md speak of. */
const digests: Readonly<Record<Profile, string>> = {
  mixed: 'c2eec4e05f241a962fdc9e42',
  small: '275ca4803a9937f069dc693d',
  large: '5603c05ed0ef5c4d886567f9',
  dup: '366f9f50c87f20afdd9cd564',
}

async function make(profile: Profile, seed?: number): Promise<string> {
  const out = join(await temporaryFolder(), 'home')
  makeHome({ profile, out, sizeBytes: 1_500_000, files: 120, ...(seed === undefined ? {} : { seed }) })
  return out
}

test.each(profiles)('%s is the same home on every machine', async (profile) => {
  expect(digestHome(await make(profile))).toMatchObject({ digest: digests[profile] })
})

test('another seed makes another home', async () => {
  expect(digestHome(await make('small', 2)).digest).not.toBe(digests.small)
})

test('an edit changes that share of the files, the same ones each time', async () => {
  const [one, two] = [await make('small'), await make('small')]
  const before = digestHome(one).digest
  const counts = editHome({ out: one, seed: 7, percent: 10 })
  expect(Object.values(counts).reduce((sum, count) => sum + count)).toBe(12)
  expect(filesBelow(one)).toHaveLength(120 + counts.add - counts.delete)
  expect(editHome({ out: two, seed: 7, percent: 10 })).toEqual(counts)
  expect(digestHome(two)).toEqual(digestHome(one))
  expect(digestHome(one).digest).not.toBe(before)
})

test('integers are even enough, and a seed repeats them', () => {
  const counts = new Uint32Array(16)
  const random = new IntegerRandom(1)
  for (let i = 0; i < 16_000; i++) counts[random.below(16)]!++
  for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(150)
  const words = (seed: number): number[] => {
    const other = new IntegerRandom(seed)
    return Array.from({ length: 4 }, () => other.word())
  }
  expect(words(3)).toEqual(words(3))
  expect(words(3)).not.toEqual(words(4))
})

test('sizes are read by powers of 1024', () => {
  expect(['600M', '2G', '17'].map(parseSize)).toEqual([629_145_600, 2_147_483_648, 17])
  expect(() => parseSize('much')).toThrow('"much" is no size')
})
