import { execFileSync, spawnSync } from 'node:child_process'
import { hash } from 'node:crypto'
import {
  appendFileSync,
  closeSync,
  fstatSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { FetchedStretches, Fetching } from '../../../../lib/components/files/fetched-stretches.ts'
import { Latency } from '../../../../lib/components/files/latency.ts'
import { loadNative } from '../../../../lib/components/files/native.ts'
import type { Native } from '../../../../lib/components/files/native.ts'
import type { StretchDetails } from '../../../../lib/components/files/read-stretch.ts'
import { systemClock } from '../../../../lib/platform/clock.ts'
import { openStretchReader } from '../../../../lib/components/files/stretch-reader.ts'
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

type How = 'at once' | 'ahead'

/** A file system on which every call takes long, as far as the reader knows. */
function slow(): Latency {
  const latency = new Latency()
  for (let calls = 0; calls < 32; calls++) latency.add(1)
  return latency
}

async function readAll(stretches: readonly FileStretch[], how: How): Promise<readonly ReadBytes[]> {
  const reader = await openStretchReader(systemClock, how === 'ahead' ? slow() : undefined)
  expect(reader.isSlow).toBe(how === 'ahead')
  // The first file of the first batch is read at once in any case.
  if (how === 'ahead') reader.bring([]).drop()
  const ahead = how === 'ahead' ? reader.bring(stretches) : undefined
  const read: ReadBytes[] = []
  for (const stretch of stretches) {
    const taken: Buffer[] = []
    const sink = { take: (bytes: Buffer) => void taken.push(Buffer.from(bytes)) }
    const answer = ahead === undefined ? reader.read(stretch, sink) : await ahead.read(sink)
    read.push({ ...answer, bytes: printOf(Buffer.concat(taken)) })
  }
  return read
}

type ReadBytes = StretchRead & { readonly bytes: string }

/** Megabytes are compared by their digest: byte by byte it takes Jest many seconds. */
function printOf(bytes: Buffer): string {
  return `${bytes.length} ${hash('sha256', bytes)}`
}

async function read(stretch: FileStretch, how: How): Promise<ReadBytes> {
  return (await readAll([stretch], how))[0] as ReadBytes
}

const nothing = { outcome: 'not-read', readBytes: 0, bytes: printOf(Buffer.alloc(0)) }

describe.each(
  SIZES.flatMap(
    ([title, bytes]) =>
      [
        [title, 'at once', bytes],
        [title, 'ahead', bytes],
      ] as const,
  ),
)('%s, read on another thread %s', (_title, how, bytes) => {
  const content = Buffer.alloc(bytes, 'the person’s own ')
  beforeEach(() => writeFileSync(at('file'), content))

  test('comes whole', async () => {
    expect(await read(seen('file'), how)).toEqual({ outcome: 'whole', readBytes: bytes, bytes: printOf(content) })
  })

  test('that became another file gives none of its bytes', async () => {
    const stretch = seen('file')
    writeFileSync(at('other'), Buffer.alloc(bytes, 'somebody else’s '))
    renameSync(at('other'), at('file'))
    expect(await read(stretch, how)).toMatchObject(nothing)
  })

  test('that became a link, a pipe, or nothing is not opened, and nobody waits', async () => {
    const stretch = seen('file')
    renameSync(at('file'), at('moved'))
    symlinkSync('moved', at('file'))
    expect(await read(stretch, how)).toMatchObject(nothing)
    rmSync(at('file'))
    execFileSync('mkfifo', [at('file')])
    expect(await read(stretch, how)).toMatchObject(nothing)
    rmSync(at('file'))
    expect(await read(stretch, how)).toMatchObject(nothing)
  })

  test('that grew is told to have changed, and ends where it was seen to end', async () => {
    const stretch = seen('file')
    appendFileSync(at('file'), 'more')
    expect(await read(stretch, how)).toEqual({ outcome: 'changed', readBytes: bytes, bytes: printOf(content) })
  })

  test('with holes is left to who keeps them', async () => {
    writeFileSync(at('file'), 'x')
    truncateSync(at('file'), bytes + 1_000_000)
    expect(await read(seen('file'), how)).toMatchObject(nothing)
  })
})

test.each(['at once', 'ahead'] as const)(
  'a short file that shrank is left to be read again, a long one ends early and says so (%s)',
  async (how) => {
    writeFileSync(at('short'), 'x'.repeat(5000))
    writeFileSync(at('long'), 'y'.repeat(3_000_000))
    const [short, long] = [seen('short'), seen('long')]
    truncateSync(at('short'), 100)
    truncateSync(at('long'), 2_000_000)
    expect(await read(short, how)).toMatchObject(nothing)
    expect(await read(long, how)).toMatchObject({ outcome: 'changed', readBytes: 2_000_000 })
  },
)

test('many files that are fetched ahead come in order, each with its own bytes and attributes, and every handle is given back', async () => {
  const names = Array.from({ length: 300 }, (_, index) => `file-${index}`)
  names.forEach((name, index) => writeFileSync(at(name), `${name} `.repeat((index * 37) % 4000)))
  const attributed = spawnSync('setfattr', ['-n', 'user.tag', '-v', 'mine', at('file-7')]).status === 0
  rmSync(at('file-9'))
  writeFileSync(at('file-9'), 'seen later')
  const stretches = names.map(seen)
  rmSync(at('file-9'))
  const [plain, handles] = [await readAll(stretches, 'at once'), handlesOpen()]
  const ahead = await readAll(stretches, 'ahead')
  expect(ahead).toEqual(plain)
  expect(plain[9]).toMatchObject(nothing)
  expect(plain[7]?.details !== undefined).toBe(attributed)
  expect(handlesOpen()).toBe(handles)
})

test('where a file system keeps no attributes they are not asked for ahead of every file, and each file says so', async () => {
  const native = await loadNative()
  if (native === undefined) return
  const names = Array.from({ length: 40 }, (_, index) => `file-${index}`)
  for (const [index, name] of names.entries()) writeFileSync(at(name), name.repeat(index % 3))
  let asked = 0
  const without: Native = Object.create(native, {
    listAttributes: { value: () => undefined },
    listAttributesSoon: {
      value: (...[, , done]: Parameters<Native['listAttributesSoon']>) => {
        asked++
        process.nextTick(done, -1)
      },
    },
  })
  const fetching = new Fetching(without, () => 2)
  const handles = handlesOpen()
  const ahead = new FetchedStretches(names.map(seen), {
    fetching,
    isFetched: () => true,
    readNow: () => {
      throw new Error('every file was fetched')
    },
  })
  for (const name of names) {
    const { outcome, details } = await ahead.read({ take: () => undefined })
    expect([name, outcome, (details as StretchDetails).attributes]).toMatchObject([
      name,
      'whole',
      { unsupported: true },
    ])
  }
  expect(asked).toBeLessThan(10)
  expect(handlesOpen()).toBe(handles)
})

test('a reader that is told of slow files has not to find out', async () => {
  const reader = await openStretchReader(systemClock)
  reader.expect({ callMs: 1 })
  expect(reader.isSlow).toBe(true)
})

test('what was fetched and is not wanted any more gives its handles back', async () => {
  const names = Array.from({ length: 200 }, (_, index) => `file-${index}`)
  for (const name of names) writeFileSync(at(name), name)
  const handles = handlesOpen()
  const reader = await openStretchReader(systemClock, slow())
  const given = reader.bring(names.map(seen))
  const wanted = reader.bring(names.slice(0, 60).map(seen))
  given.drop()
  for (let file = 0; file < 60; file++)
    expect(await wanted.read({ take: () => undefined })).toMatchObject({ outcome: 'whole' })
  while (handlesOpen() > handles) await setImmediate()
})

/** Handles of regular files: a thread pool has handles of its own. */
function handlesOpen(): number {
  return readdirSync('/proc/self/fd').filter((handle) => {
    try {
      return fstatSync(Number(handle)).isFile()
    } catch {
      return false // of the listing itself
    }
  }).length
}
