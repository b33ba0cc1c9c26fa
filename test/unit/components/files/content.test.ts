import {
  appendFileSync,
  closeSync,
  openSync,
  readFileSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
  ftruncateSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { FileContent, PART_BYTES_MAX } from '../../../../lib/components/files/content.ts'
import { groundOf } from '../../../../lib/components/files/ground.ts'
import { loadNative } from '../../../../lib/components/files/native.ts'
import type { Native } from '../../../../lib/components/files/native.ts'
import type { JsonObject } from '../../../../lib/resources/json.ts'
import { makeScratch } from '../../../kit/homes/scratch.ts'

const native = await loadNative()
const buffer = Buffer.alloc(PART_BYTES_MAX)

let scratch: ReturnType<typeof makeScratch>
let path: string
beforeEach(() => {
  scratch = makeScratch()
  path = join(scratch.path, 'file')
})
afterEach(() => scratch.remove())

interface Outcome {
  readonly data: Buffer
  /** As read: `+n` data, `-n` hole. */
  readonly shape: readonly string[]
  readonly ended: readonly string[]
  readonly settled: JsonObject
}

async function read(
  holes: Native | undefined,
  meanwhile: (part: number, handle: number) => void = () => undefined,
): Promise<Outcome> {
  const directory = groundOf(holes === undefined ? 'path' : 'openat2', holes).open(scratch.path)
  const file = directory.openFile('file', directory.look('file'))
  const ended: string[] = []
  const content = new FileContent(file, {
    native: holes,
    buffer,
    pause: () => undefined,
    ended: (what) => ended.push(what),
  })
  const data: Buffer[] = []
  const shape: string[] = []
  try {
    for await (const part of content.parts()) {
      if (part instanceof Uint8Array) data.push(Buffer.from(part))
      else data.push(Buffer.alloc(part.holeBytes))
      shape.push(part instanceof Uint8Array ? `+${part.length}` : `-${part.holeBytes}`)
      meanwhile(shape.length, file.handle)
    }
    return { data: Buffer.concat(data), shape, ended, settled: content.settle() }
  } finally {
    file.close()
    directory.close()
  }
}

describe('the content of a file', () => {
  test('comes in parts of at most a mebibyte, through one buffer, and is the file', async () => {
    const bytes = Buffer.alloc(2 * PART_BYTES_MAX + 5, 'some text ')
    writeFileSync(path, bytes)
    const outcome = await read(native)
    expect(outcome.shape).toEqual([`+${PART_BYTES_MAX}`, `+${PART_BYTES_MAX}`, '+5'])
    expect(outcome.data.equals(bytes)).toBe(true)
    expect(outcome).toMatchObject({ ended: ['unchanged'], settled: {} })
  })

  test('is nothing for an empty file', async () => {
    writeFileSync(path, '')
    expect(await read(native)).toMatchObject({ shape: [], ended: ['unchanged'], settled: {} })
  })

  test('of one that grows for ever ends where it ended when it was opened', async () => {
    writeFileSync(path, Buffer.alloc(3 * PART_BYTES_MAX, 'x'))
    const outcome = await read(native, () => appendFileSync(path, Buffer.alloc(PART_BYTES_MAX, 'more')))
    expect(outcome.data.length).toBe(3 * PART_BYTES_MAX)
    expect(outcome).toMatchObject({ ended: ['changed'], settled: {} })
  })

  test('of one that shrinks is what was there, and its size is what was read', async () => {
    writeFileSync(path, Buffer.alloc(3 * PART_BYTES_MAX, 'x'))
    const outcome = await read(native, () => truncateSync(path, PART_BYTES_MAX + 7))
    expect(outcome.data.length).toBe(PART_BYTES_MAX + 7)
    expect(outcome).toMatchObject({ ended: ['changed'], settled: { size: PART_BYTES_MAX + 7 } })
  })

  test('is flagged when only the time of change tells that it was rewritten', async () => {
    writeFileSync(path, Buffer.alloc(2 * PART_BYTES_MAX, 'x'))
    const outcome = await read(native, (part) => {
      if (part === 1) utimesSync(path, 1, 1)
    })
    expect(outcome).toMatchObject({ ended: ['changed'], settled: {} })
  })

  test('that fails half way is what could be read, and says so', async () => {
    writeFileSync(path, Buffer.alloc(2 * PART_BYTES_MAX, 'x'))
    // A handle that no longer reads stands for a disk that no longer does.
    let swapped = false
    const outcome = await read(native, (_part, handle) => {
      if (swapped) return
      swapped = true
      closeSync(handle)
      expect(openSync(scratch.path, 'r')).toBe(handle)
    })
    expect(outcome.data.length).toBe(PART_BYTES_MAX)
    expect(outcome).toMatchObject({ ended: ['damaged'], settled: { size: PART_BYTES_MAX, unreadable: true } })
  })

  test('that nobody reads to the end is not settled as read', async () => {
    writeFileSync(path, 'x')
    const directory = groundOf('path', undefined).open(scratch.path)
    const file = directory.openFile('file', directory.look('file'))
    const ended: string[] = []
    const content = new FileContent(file, {
      native: undefined,
      buffer,
      pause: () => undefined,
      ended: (what) => ended.push(what),
    })
    for await (const part of content.parts()) {
      expect(part).toHaveLength(1)
      break
    }
    file.close()
    expect(ended).toEqual([])
  })
})

/** Runs of zeros and data, in blocks. */
const runs = fc.array(fc.record({ data: fc.boolean(), blocks: fc.integer({ min: 1, max: 40 }) }), {
  minLength: 1,
  maxLength: 8,
})

describe.each([
  ['asked of the file system', native],
  ['guessed from zeros', undefined],
] as const)('holes %s', (_how, holes) => {
  test('and data together are the file, whatever its shape', async () => {
    await fc.assert(
      fc.asyncProperty(runs, fc.integer({ min: 0, max: 4095 }), async (shape, tail) => {
        const handle = openSync(path, 'w')
        let at = 0
        for (const { data, blocks } of shape) {
          if (data) writeSync(handle, Buffer.alloc(blocks * 4096, 'd'), 0, blocks * 4096, at)
          at += blocks * 4096
        }
        ftruncateSync(handle, at + tail)
        closeSync(handle)
        const outcome = await read(holes)
        expect(outcome.data.equals(readFileSync(path))).toBe(true)
        expect(outcome).toMatchObject({ ended: ['unchanged'], settled: {} })
      }),
      { numRuns: 40 },
    )
  })

  test('are not read as zeros', async () => {
    const handle = openSync(path, 'w')
    writeSync(handle, Buffer.alloc(64 * 1024, 'd'), 0, 64 * 1024, 8 * 1024 * 1024)
    ftruncateSync(handle, 16 * 1024 * 1024)
    closeSync(handle)
    expect((await read(holes)).shape).toEqual([
      `-${8 * 1024 * 1024}`,
      `+${64 * 1024}`,
      `-${8 * 1024 * 1024 - 64 * 1024}`,
    ])
  })
})
