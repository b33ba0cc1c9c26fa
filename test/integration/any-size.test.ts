import { join } from 'node:path'
import { rmSync } from 'node:fs'
import { expect, test } from '@jest/globals'
import { mustBeEqual } from '../bench/engine/compare-trees.ts'
import { makeManyFiles } from '../kit/any-size/many-files.ts'
import { makeSparseFile, sparseDifferences } from '../kit/any-size/sparse-file.ts'
import { homeIn, walkThrough } from '../kit/any-size/walk-through.ts'
import { seededRandom } from '../kit/seeded-random.ts'
import { ensureRsync } from '../kit/servers/install.ts'
import { temporaryFolder } from '../kit/temporary-folder.ts'

// A million files and 50 GiB are `test/long/any-size`.
test('3,000 files and a file of 2 GiB that is mostly holes are backed up, checked and restored in 400 MiB, and come back equal, holes and all', async () => {
  await ensureRsync()
  const made = homeIn(await temporaryFolder())
  makeManyFiles(made.home, 3_000, seededRandom('many'))
  const path = join(made.home, 'sparse.img')
  const file = makeSparseFile(path, 2 * 1024 ** 3, seededRandom('holes'))
  const { restored, peakMiB } = await walkThrough(made, () => undefined)
  const back = join(restored, 'sparse.img')
  expect(sparseDifferences(file, path, back)).toEqual([])
  expect(peakMiB).toBeLessThanOrEqual(400)
  // rsync reads holes as if they were bytes.
  for (const one of [path, back]) rmSync(one)
  mustBeEqual(made.home, restored, 'content')
})
