import { createSecretKey } from 'node:crypto'
import { setImmediate as turn } from 'node:timers/promises'
import { beforeEach, describe, expect, test } from '@jest/globals'
import type { Threads } from '../../../lib/platform/threads.ts'
import { StoredContent } from '../../../lib/repository/content-reader.ts'
import type { ChunkPlace } from '../../../lib/repository/chunk-index.ts'
import { RestorePipeline } from '../../../lib/repository/restore-pipeline.ts'
import type { EncodedJob } from '../../../lib/repository/restore-messages.ts'
import type { TreeFormats } from '../../../lib/repository/tree-format.ts'
import type { MadeFile } from '../../../lib/resources/file-making.ts'

const CHUNK_BYTES = 1000
const BLOCK_CHUNKS = 1000
const header = Buffer.alloc(8)
const pack = { sort: 'content', packId: 'one', header } as const

/** Chunks are numbered, and lie in blocks of a thousand. */
function idOf(chunk: number): Buffer {
  const id = Buffer.alloc(32)
  id.writeUInt32BE(chunk)
  return id
}

function placeOf(chunk: number): ChunkPlace {
  const number = Math.floor(chunk / BLOCK_CHUNKS)
  const block = { number, offset: 0, sealedBytes: 100_000, plainBytes: CHUNK_BYTES * BLOCK_CHUNKS }
  return { pack, block, offset: 0, length: CHUNK_BYTES } as unknown as ChunkPlace
}

type Posted = { readonly thread: number; readonly message: { kind: string; number: number; job: EncodedJob } }

describe('the restore pipeline', () => {
  let posted: Posted[]
  let fetched: number[]
  let answer: (thread: number, message: unknown) => void
  let failing: Set<number>
  let pipeline: RestorePipeline

  beforeEach(() => {
    posted = []
    fetched = []
    failing = new Set()
    const work = {
      post: (thread: number, message: unknown) => void posted.push({ thread, message: message as Posted['message'] }),
      onMessage: (receive: typeof answer) => void (answer = receive),
      onFailure: () => undefined,
      leave: () => undefined,
    }
    const threads: Threads = { count: 4, enter: () => work }
    const key = Buffer.alloc(32)
    const keys = { chunkIdKey: key, treeKey: createSecretKey(key), contentPrivateKey: key }
    pipeline = new RestorePipeline(threads, work, {
      ...{ sliceId: 'slice', keys },
      packs: {
        place: (id) => placeOf(id.readUInt32BE()),
        sealed: async (_pack, { number }) => {
          fetched.push(number)
          for (let turns = 0; turns < 4; turns++) await turn()
          if (failing.has(number)) throw new Error('not there')
          return Buffer.alloc(10)
        },
      },
    })
  })

  function make(chunk: number, told: (made: MadeFile) => void = () => undefined): void {
    const shape = { sizeBytes: CHUNK_BYTES, extents: [{ length: CHUNK_BYTES, id: idOf(chunk) }] }
    const content = new StoredContent(shape, {} as TreeFormats, {
      get: () => Promise.reject(new Error('not asked for')),
    })
    const file = { directory: 3, name: `${chunk}`, sizeBytes: CHUNK_BYTES, uid: 0, gid: 0, mode: 0o644, mtimeNs: 0n }
    expect(pipeline.of(content).make({ ...file, isHeld: false }, { made: told })).toBe(true)
  }

  const jobs = (): Posted[] => posted.filter(({ message }) => message.kind === 'restore')

  async function settled(): Promise<void> {
    for (let turns = 0; turns < 20; turns++) await turn()
  }

  test('has two threads load their program before there is a file, and others when those have much to do', async () => {
    expect(posted.map(({ thread, message }) => [thread, message.kind])).toEqual([
      [0, 'restore-begin'],
      [1, 'restore-begin'],
    ])
    for (let chunk = 0; chunk < 8 * 256; chunk++) make(chunk)
    await settled()
    expect(posted.filter(({ message }) => message.kind === 'restore-begin').map(({ thread }) => thread)).toEqual([
      0, 1, 2, 3,
    ])
  })

  test('gives files of two blocks to two threads, and a few more of a block to the one that has it', async () => {
    for (let chunk = 0; chunk < 100; chunk++) make(chunk)
    for (let chunk = 0; chunk < 100; chunk++) make(BLOCK_CHUNKS + chunk)
    await settled()
    expect(jobs().map(({ thread }) => thread)).toEqual([0, 1])
    for (const { thread, message } of jobs())
      answer(thread, { kind: 'restored', number: message.number, made: new Int32Array(100).fill(-2) })
    make(BLOCK_CHUNKS + 500)
    await settled()
    expect(jobs().at(-1)?.thread).toBe(1)
    expect(fetched).toEqual([0, 1])
  })

  test('gives files to the thread that is idle, though the other has their block', async () => {
    for (let chunk = 0; chunk < 256; chunk++) make(chunk)
    for (let chunk = 256; chunk < 512; chunk++) make(chunk)
    await settled()
    expect(jobs().map(({ thread, message }) => [thread, message.job.mtimes.length])).toEqual([
      [0, 256],
      [1, 256],
    ])
  })

  test('fetches a block once for all jobs of a thread, also of those that are given while it comes', async () => {
    make(1)
    await turn()
    make(2)
    await settled()
    expect(fetched).toEqual([0])
    expect(
      jobs().map(({ thread, message }) => [thread, message.job.blocks.map(({ sealed }) => sealed !== undefined)]),
    ).toEqual([
      [0, [true]],
      [0, [false]],
    ])
  })

  test('tells each of what could not be fetched, and tries it anew for who comes later', async () => {
    failing.add(0)
    const told: MadeFile[] = []
    make(1, (made) => void told.push(made))
    await turn()
    make(2, (made) => void told.push(made))
    await settled()
    expect(told).toEqual([undefined, undefined])
    expect(jobs()).toEqual([])
    failing.clear()
    make(3)
    await settled()
    expect(jobs()).toHaveLength(1)
  })
})
