import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  closeSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { openStretchReader } from '../../../../lib/components/files/read-stretch.ts'
import type { FileStretch, StretchRead } from '../../../../lib/resources/file-reading.ts'
import { makeScratch } from '../../../kit/homes/scratch.ts'

let scratch: ReturnType<typeof makeScratch>
let directory: number
beforeEach(() => {
  scratch = makeScratch()
  directory = openSync(scratch.path, 'r')
})
afterEach(() => {
  closeSync(directory)
  scratch.remove()
})

const at = (name: string): string => join(scratch.path, name)
const SIZES = [
  ['a short file', 5_000],
  ['a long file', 3_000_000],
] as const

/** As the walking thread sees it. */
function seen(name: string): FileStretch {
  const { size, dev, ino, mtimeNs, ctimeNs } = statSync(at(name), { bigint: true })
  // The kernel's own way to put a device into one number differs from glibc's; here as `statx` gives it.
  const device =
    ((((dev >> 8n) & 0xfffn) | ((dev >> 32n) & 0xfffff000n)) << 32n) | ((dev & 0xffn) | ((dev >> 12n) & 0xffffff00n))
  const sizeBytes = Number(size)
  return { directory, name, sizeBytes, device, inode: ino, mtimeNs, ctimeNs, fromBytes: 0, toBytes: sizeBytes }
}

async function read(stretch: FileStretch): Promise<StretchRead & { readonly bytes: Buffer }> {
  const taken: Buffer[] = []
  const reader = await openStretchReader()
  const answer = reader(stretch, { take: (bytes) => void taken.push(Buffer.from(bytes)) })
  return { ...answer, bytes: Buffer.concat(taken) }
}

const nothing = { outcome: 'not-read', readBytes: 0, bytes: Buffer.alloc(0) }

describe.each(SIZES)('%s, read on another thread', (_title, bytes) => {
  const content = Buffer.alloc(bytes, 'the person’s own ')
  beforeEach(() => writeFileSync(at('file'), content))

  test('comes whole', async () => {
    expect(await read(seen('file'))).toEqual({ outcome: 'whole', readBytes: bytes, bytes: content })
  })

  test('that became another file gives none of its bytes', async () => {
    const stretch = seen('file')
    writeFileSync(at('other'), Buffer.alloc(bytes, 'somebody else’s '))
    renameSync(at('other'), at('file'))
    expect(await read(stretch)).toMatchObject(nothing)
  })

  test('that became a link, a pipe, or nothing is not opened, and nobody waits', async () => {
    const stretch = seen('file')
    renameSync(at('file'), at('moved'))
    symlinkSync('moved', at('file'))
    expect(await read(stretch)).toMatchObject(nothing)
    rmSync(at('file'))
    execFileSync('mkfifo', [at('file')])
    expect(await read(stretch)).toMatchObject(nothing)
    rmSync(at('file'))
    expect(await read(stretch)).toMatchObject(nothing)
  })

  test('that grew is told to have changed, and ends where it was seen to end', async () => {
    const stretch = seen('file')
    appendFileSync(at('file'), 'more')
    expect(await read(stretch)).toEqual({ outcome: 'changed', readBytes: bytes, bytes: content })
  })

  test('with holes is left to who keeps them', async () => {
    writeFileSync(at('file'), 'x')
    truncateSync(at('file'), bytes + 1_000_000)
    expect(await read(seen('file'))).toMatchObject(nothing)
  })
})

test('a short file that shrank is left to be read again, a long one ends early and says so', async () => {
  writeFileSync(at('short'), 'x'.repeat(5000))
  writeFileSync(at('long'), 'y'.repeat(3_000_000))
  const [short, long] = [seen('short'), seen('long')]
  truncateSync(at('short'), 100)
  truncateSync(at('long'), 2_000_000)
  expect(await read(short)).toMatchObject(nothing)
  expect(await read(long)).toMatchObject({ outcome: 'changed', readBytes: 2_000_000 })
})
