import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { encodeResource, StoredEntry, contentsOfValue, eachInlineChunk } from '../../../lib/repository/body.ts'
import { ContentWriter } from '../../../lib/repository/content-writer.ts'
import { treeFormats } from '../../../lib/repository/tree-format.ts'
import { encodeKey } from '../../../lib/resources/key.ts'
import { cutAfterZero } from '../../kit/cut-after-zero.ts'
import { MemoryChunks } from '../../kit/memory-chunks.ts'
import type { JsonObject } from '../../../lib/resources/json.ts'
import type { Resource } from '../../../lib/resources/resource.ts'

const formats = treeFormats({ chunkIdKey: Buffer.alloc(32, 1), boundaryKey: Buffer.alloc(32, 2) })
const key = encodeKey('user', ['ann'])

async function store(
  resource: Omit<Resource, 'key'>,
  chunks = new MemoryChunks(),
): Promise<{ entry: StoredEntry; chunks: MemoryChunks; value: Buffer }> {
  const writer = new ContentWriter(cutAfterZero(10_000), formats.list)
  const { value } = await encodeResource({ key, ...resource }, { formats, writer, sink: chunks })
  return { entry: new StoredEntry({ key, value }, formats, chunks), chunks, value }
}

function file(text: string, settled?: JsonObject): Resource['content'] {
  return {
    async *parts() {
      yield Buffer.from(text)
    },
    ...(settled && { settle: () => settled }),
  }
}

const object = fc
  .dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<JsonObject[string]>, { maxKeys: 5 })
  .filter((value) => {
    const text = JSON.stringify(value)
    return text.isWellFormed()
  })

describe('an entry', () => {
  test('gives back state, kept, secrets and content', async () => {
    await fc.assert(
      fc.asyncProperty(
        object,
        object,
        fc.dictionary(fc.string(), fc.string({ maxLength: 20 }), { maxKeys: 3 }),
        fc.option(fc.string()),
        async (state, kept, secrets, text) => {
          const { entry } = await store({ state, kept, secrets, ...(text !== null && { content: file(text)! }) })
          expect(JSON.stringify(sortDeep(await entry.body()))).toEqual(JSON.stringify(sortDeep({ state, kept })))
          const found = await Promise.all(
            Object.entries(entry.secrets).map(async ([name, content]) => [
              name,
              (await content.bytes(1000)).toString(),
            ]),
          )
          expect(new Map(found as [string, string][])).toEqual(new Map(Object.entries(secrets)))
          expect(entry.content && (await entry.content.bytes(1000)).toString()).toBe(text ?? undefined)
        },
      ),
    )
  })

  test('holds a short body itself and a long one as content, with the same digest of state', async () => {
    const state = { name: 'x'.repeat(3000) }
    const short = await store({ state, kept: { id: '1' } })
    expect(short.entry.state).toEqual(state)
    expect(short.chunks.chunks.size).toBe(0)
    const long = await store({ state, kept: { id: 'y'.repeat(2000) } })
    expect(long.entry.state).toBeUndefined()
    expect(long.entry.kept).toBeUndefined()
    expect([...long.chunks.chunks.values()].map(({ sort }) => sort)).toEqual(['content', 'content'])
    expect(await long.entry.body()).toEqual({ state, kept: { id: 'y'.repeat(2000) } })
    expect(long.entry.stateDigest).toBe(short.entry.stateDigest)
  })

  test('says "same" for state, content and secrets, and does not look at kept', async () => {
    const base = { state: { a: 1 }, kept: { id: '1' }, secrets: { password: 'geheim' }, content: file('text')! }
    const digest = async (resource: Omit<Resource, 'key'>): Promise<string> => (await store(resource)).entry.stateDigest
    const same = await digest(base)
    expect(await digest({ ...base, kept: { id: '2' } })).toBe(same)
    expect(await digest({ ...base, state: { a: 2 } })).not.toBe(same)
    expect(await digest({ ...base, secrets: { password: 'anders' } })).not.toBe(same)
    expect(await digest({ ...base, secrets: { passwort: 'geheim' } })).not.toBe(same)
    expect(await digest({ ...base, secrets: {} })).not.toBe(same)
    expect(await digest({ ...base, content: file('test')! })).not.toBe(same)
    const { content: _, ...without } = base
    expect(await digest(without)).not.toBe(same)
    expect(await digest({ ...without, content: file('')! })).not.toBe(await digest(without))
  })

  test('never holds a secret, only its content outside the tree', async () => {
    const { value, chunks } = await store({ state: { a: 1 }, secrets: { password: 'plain-and-secret' } })
    expect(value.includes('plain-and-secret')).toBe(false)
    expect([...chunks.chunks.values()]).toEqual([{ sort: 'content', bytes: Buffer.from('plain-and-secret') }])
  })

  test('takes members of state that reading settled', async () => {
    const { entry } = await store({ state: { size: '0', mode: '644' }, content: file('grown', { size: '5' })! })
    expect(entry.state).toEqual({ size: '5', mode: '644' })
  })

  test('takes an empty kept for none', async () => {
    expect((await store({ state: {}, kept: {} })).value).toEqual((await store({ state: {} })).value)
  })

  test('that was changed or cut short is refused, or reads as another', async () => {
    const { value, chunks } = await store({
      state: { a: 1 },
      kept: { id: '1' },
      secrets: { s: 'x' },
      content: file('text')!,
    })
    for (let length = 0; length < value.length; length++) {
      expect(() => new StoredEntry({ key, value: value.subarray(0, length) }, formats, chunks)).toThrow('well-formed')
    }
    expect(() => new StoredEntry({ key, value: Buffer.concat([value, Buffer.of(0)]) }, formats, chunks)).toThrow(
      'well-formed',
    )
    expect(() => new StoredEntry({ key, value: Buffer.from([0, 1, 0x5b]) }, formats, chunks)).toThrow('JSON')
    expect(
      () => new StoredEntry({ key, value: Buffer.concat([Buffer.of(0, 2), Buffer.from('[]')]) }, formats, chunks),
    ).toThrow('JSON object')
  })
})

function sortDeep(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortDeep)
  if (typeof value !== 'object' || value === null) return value
  return Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, member]) => [name, sortDeep(member)])
}

describe('an entry looked at for its chunks alone', () => {
  const id = Buffer.alloc(32, 7)
  const value = (
    size: number,
    extents: readonly (readonly [number, boolean])[],
    tail: readonly number[] = [],
  ): Buffer =>
    Buffer.concat([
      Buffer.of(4, 2, 0x7b, 0x7d, size, extents.length),
      ...extents.map(([length, isHole]) => (isHole ? Buffer.of(length, 1) : Buffer.concat([Buffer.of(length, 0), id]))),
      Buffer.from(tail),
    ])

  test('names the same chunks and bytes as one that is taken apart', () => {
    const whole = value(9, [
      [5, false],
      [1, true],
      [3, false],
    ])
    const found: string[] = []
    const take = (idAt: number): boolean => found.push(whole.subarray(idAt, idAt + 32).toString('hex')) > 0
    expect(eachInlineChunk(whole, take)).toBe(8)
    const extents = contentsOfValue(whole).content?.extents
    expect(found).toEqual([id.toString('hex'), id.toString('hex')])
    expect(Array.isArray(extents) && extents.filter((one) => one.id !== undefined)).toHaveLength(found.length)
  })

  test.each([
    ['bytes behind its end', value(5, [[5, false]], [0])],
    ['a size that its chunks have not', value(6, [[5, false]])],
    ['an end before its last chunk', value(5, [[5, false]]).subarray(0, -1)],
  ])('is refused with %s, as one that is taken apart', (_what, bytes) => {
    for (const look of [() => contentsOfValue(bytes), () => eachInlineChunk(bytes, () => true)])
      expect(look).toThrow(expect.objectContaining({ code: 'seal-broken' }))
  })
})
