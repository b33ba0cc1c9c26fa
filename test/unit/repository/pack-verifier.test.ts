import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Threads } from '../../../lib/platform/threads.ts'
import { workerThreads } from '../../../lib/platform/worker-threads.ts'
import type { WorkerThreads } from '../../../lib/platform/worker-threads.ts'
import type { ChunkSort } from '../../../lib/repository/chunk-store.ts'
import { chunkId, deriveSliceKeys, generateSliceSecrets } from '../../../lib/repository/keys.ts'
import { packVerifier } from '../../../lib/repository/pack-verifier.ts'
import type { PackVerifier } from '../../../lib/repository/pack-verifier.ts'
import { PackWriter } from '../../../lib/repository/pack-writer.ts'
import { seededRandom } from '../../kit/seeded-random.ts'

const MUCH = 1024 ** 3
const random = seededRandom('pack-verifier')
const { treeSecret, contentPublicKey, contentPrivateKey } = generateSliceSecrets(random)
const keys = deriveSliceKeys(treeSecret, contentPublicKey, contentPrivateKey)

let threads: WorkerThreads
beforeAll(() => {
  threads = workerThreads(new URL('../../../lib/chunk-thread.ts', import.meta.url), 2)
})
afterAll(async () => await threads.close())

function made(sort: ChunkSort): { readonly packId: string; readonly sort: ChunkSort; readonly body: Buffer } {
  const writer = new PackWriter({ sliceId: 'abc', sort, keys, random })
  for (let chunk = 0; chunk < 20; chunk++) {
    const bytes = random.bytes(10_000)
    writer.add(chunkId(keys.chunkIdKey, bytes), bytes)
  }
  const { packId, body } = writer.finish()
  return { sort, packId, body: Buffer.from(body) }
}

function changed(bytes: Buffer, at: number): Buffer {
  const other = Buffer.from(bytes)
  other[at] = (other[at] as number) ^ 1
  return other
}

async function verified(verifier: PackVerifier, { sort, packId, body }: ReturnType<typeof made>): Promise<boolean> {
  return await verifier.verify({ sliceId: 'abc', sort, packId }, Buffer.from(body))
}

describe.each(['alone', 'on threads'])('%s', (how) => {
  const open = (): PackVerifier => packVerifier(how === 'alone' ? undefined : threads, keys, MUCH)

  test('packs that are whole are told from those that are not, each by itself, many at once', async () => {
    const packs = Array.from({ length: 12 }, (_, at) => made(at % 2 === 0 ? 'content' : 'tree'))
    const given = packs.map((pack, at) =>
      at % 3 === 0 ? { ...pack, body: changed(pack.body, Math.floor(random.fraction() * pack.body.length)) } : pack,
    )
    const verifier = open()
    const found = await Promise.all(given.map((pack) => verified(verifier, pack)))
    verifier.close()
    expect(found).toEqual(packs.map((_, at) => at % 3 !== 0))
  })

  test('a pack that is cut off, empty, or stands under another name is not whole', async () => {
    const [pack, other] = [made('content'), made('content')]
    const verifier = open()
    const found = await Promise.all(
      [
        { ...pack, body: pack.body.subarray(0, -1) },
        { ...pack, body: Buffer.alloc(0) },
        { ...pack, packId: other.packId },
      ].map((one) => verified(verifier, one)),
    )
    verifier.close()
    expect(found).toEqual([false, false, false])
  })
})

describe('threads', () => {
  /** Which are there, and count what they are given. */
  function counted(): { readonly threads: Threads; readonly posts: () => number } {
    let posts = 0
    return {
      posts: () => posts,
      threads: {
        count: threads.count,
        enter() {
          const work = threads.enter()
          return (
            work && {
              post: (...given) => {
                posts++
                work.post(...given)
              },
              onMessage: (receive) => work.onMessage(receive),
              onFailure: (fail) => work.onFailure(fail),
              leave: () => work.leave(),
            }
          )
        },
      },
    }
  }

  test('are asked where there is much to prove, and not where there is little', async () => {
    for (const [total, asked] of [
      [MUCH, 1],
      [1_000_000, 0],
    ] as const) {
      const { threads: counting, posts } = counted()
      const verifier = packVerifier(counting, keys, total)
      expect(await verified(verifier, made('tree'))).toBe(true)
      verifier.close()
      expect(posts()).toBe(asked)
    }
  })

  test('that die are an error, and no verdict', async () => {
    const mortal = workerThreads(new URL('../../../lib/chunk-thread.ts', import.meta.url), 1)
    const verifier = packVerifier(mortal, keys, MUCH)
    const verdict = verified(verifier, made('content'))
    await Promise.all([expect(verdict).rejects.toMatchObject({ code: 'internal' }), mortal.close()])
    verifier.close()
  })

  test('leave what lies in memory with other bytes to them', async () => {
    const { sort, packId, body } = made('content')
    const shared = Buffer.concat([Buffer.from('before'), body, Buffer.from('behind')])
    const verifier = packVerifier(threads, keys, MUCH)
    const verdict = await verifier.verify({ sliceId: 'abc', sort, packId }, shared.subarray(6, 6 + body.length))
    verifier.close()
    expect([verdict, shared.subarray(0, 6).toString()]).toEqual([true, 'before'])
  })
})
