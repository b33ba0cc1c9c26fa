import { mkdir, mkdtemp, realpath, rename, rm, stat, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import type { Directory } from '../../../../../lib/components/files/directory.ts'
import { findGround } from '../../../../../lib/components/files/ground.ts'
import { placesOf } from '../../../../../lib/components/files/places.ts'
import { SpotsTogether } from '../../../../../lib/components/files/write/spots-together.ts'
import { userSlice } from '../../../../../lib/resources/slice.ts'

const ground = await findGround()
const ann = userSlice('ann')

let root: string
let spots: SpotsTogether
let roots: number

beforeEach(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'spots-')))
  await mkdir(join(root, 'home/ann/a/b'), { recursive: true })
  await mkdir(join(root, 'home/ann/c'))
  spots = new SpotsTogether()
  roots = 0
})

afterEach(async () => {
  spots.close()
  await rm(root, { recursive: true })
})

/** The number of the directory in which the entry would be written; absent: there is none. */
async function placeOf(...names: string[]): Promise<bigint | undefined> {
  const way = {
    ground,
    root,
    places: placesOf({ root, home: 'home/{user}', exclude: [], excludeDefaults: true }),
    prove: (part: string, _directory: Directory | undefined) => void (part === 'root' && roots++),
  }
  return await spots.at(way, ann, names, (spot) => spot?.parent.stat.inode)
}

async function inode(path: string): Promise<bigint> {
  return (await stat(join(root, path), { bigint: true })).ino
}

test('entries that lie beside and beneath each other share one way', async () => {
  const [home, a, b] = [await inode('home/ann'), await inode('home/ann/a'), await inode('home/ann/a/b')]
  expect(await placeOf('x')).toBe(home)
  expect(await placeOf('a', 'x')).toBe(a)
  expect(await placeOf('a', 'b', 'x')).toBe(b)
  expect(await placeOf('a', 'b', 'y')).toBe(b)
  expect(roots).toBe(1)
})

test('a directory that is made on the way is found', async () => {
  expect(await placeOf('new', 'x')).toBeUndefined()
  await mkdir(join(root, 'home/ann/new'))
  expect(await placeOf('new', 'x')).toBe(await inode('home/ann/new'))
})

test.each([
  ['directory on the way', 'home/ann/a', 'home/ann/a'],
  ['home', 'home/ann', 'home/ann'],
])('a %s that was moved away is not written in any more', async (_title, moved, place) => {
  await placeOf('a', 'x')
  await rename(join(root, moved), join(root, 'elsewhere'))
  expect(await placeOf('a', 'x').catch(() => undefined)).toBeUndefined()
  await mkdir(join(root, place, ...(place === 'home/ann' ? ['a'] : [])), { recursive: true })
  expect(await placeOf('a', 'x')).toBe(await inode('home/ann/a'))
})

test('a link in the place of a directory is not followed', async () => {
  await placeOf('a', 'b', 'x')
  await rename(join(root, 'home/ann/a/b'), join(root, 'elsewhere'))
  await symlink(join(root, 'elsewhere'), join(root, 'home/ann/a/b'))
  expect(await placeOf('a', 'b', 'x')).toBeUndefined()
})
