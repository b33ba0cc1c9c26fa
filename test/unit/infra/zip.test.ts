import { mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { zip } from '../../../infra/zip.ts'
import type { ZipFile } from '../../../infra/zip.ts'
import { temporaryFolder } from '../../kit/temporary-folder.ts'
import { unzip } from '../../kit/unzip.ts'

const files: readonly ZipFile[] = [
  { name: 'schedule.mjs', bytes: Buffer.from('export const handler = 1\n'.repeat(5_000)) },
  { name: 'node_modules/koffi/index.js', bytes: Buffer.from('index') },
  { name: 'empty', bytes: Buffer.alloc(0) },
  { name: 'Übung.txt', bytes: Buffer.from([0, 255, 10]) },
]

test('what comes out is what went in, and everybody may read it', async () => {
  const folder = await temporaryFolder()
  await writeFile(join(folder, 'a.zip'), zip(files))
  expect(await unzip(join(folder, 'a.zip'), join(folder, 'out'))).toEqual(files.map(({ name }) => name).toSorted())
  for (const { name, bytes } of files) {
    expect((await readFile(join(folder, 'out', name))).equals(bytes)).toBe(true)
    expect((await stat(join(folder, 'out', name))).mode & 0o777).toBe(0o644)
  }
})

test('the same files are the same bytes, in whatever order they come', () => {
  const expected = zip(files)
  fc.assert(
    fc.property(fc.shuffledSubarray([...files], { minLength: files.length }), (shuffled) => {
      expect(zip(shuffled.map(({ name, bytes }) => ({ name, bytes: Uint8Array.from(bytes) }))).equals(expected)).toBe(
        true,
      )
    }),
  )
})

test('a damaged one is not laid out', async () => {
  const folder = await temporaryFolder()
  await mkdir(join(folder, 'out'))
  const bytes = zip(files)
  const at = bytes.indexOf('Übung.txt') + Buffer.byteLength('Übung.txt')
  bytes[at + 2] = (bytes[at + 2] ?? 0) ^ 1
  await writeFile(join(folder, 'a.zip'), bytes)
  await expect(unzip(join(folder, 'a.zip'), join(folder, 'out'))).rejects.toThrow()
})
