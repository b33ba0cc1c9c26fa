import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { mustBeEqual } from '../bench/engine/compare-trees.ts'
import { makeManyFiles } from '../kit/any-size/many-files.ts'
import { makeSparseFile, sparseDifferences } from '../kit/any-size/sparse-file.ts'
import { homeIn, walkThrough } from '../kit/any-size/walk-through.ts'
import { seededRandom } from '../kit/seeded-random.ts'
import { ensureRsync } from '../kit/servers/install.ts'
import { temporaryFolder } from '../kit/temporary-folder.ts'

const FILES = Number(process.env['TORIKI_FILES'] ?? 1_000_000)
const HOLE_GIB = Number(process.env['TORIKI_HOLE_GIB'] ?? 50)
const MEMORY_MIB_MAX = 640
const tell = (line: string): void => void process.stderr.write(`${line}\n`)

test(`a home of ${FILES} files is backed up, checked and restored in ${MEMORY_MIB_MAX} MiB, and comes back equal`, async () => {
  await ensureRsync()
  const made = homeIn(await temporaryFolder())
  makeManyFiles(made.home, FILES, seededRandom('many'))
  const { restored, peakMiB } = await walkThrough(made, tell)
  mustBeEqual(made.home, restored, 'folder')
  expect(peakMiB).toBeLessThanOrEqual(MEMORY_MIB_MAX)
})

test(`a file of ${HOLE_GIB} GiB that is mostly holes is backed up, checked and restored in ${MEMORY_MIB_MAX} MiB, and comes back equal, holes and all`, async () => {
  const made = homeIn(await temporaryFolder())
  const path = join(made.home, 'sparse.img')
  const file = makeSparseFile(path, HOLE_GIB * 1024 ** 3, seededRandom('holes'))
  const { restored, peakMiB } = await walkThrough(made, tell)
  expect(sparseDifferences(file, path, join(restored, 'sparse.img'))).toEqual([])
  expect(peakMiB).toBeLessThanOrEqual(MEMORY_MIB_MAX)
})
