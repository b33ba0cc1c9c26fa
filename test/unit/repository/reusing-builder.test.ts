import assert from 'node:assert/strict'
import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { ReusingBuilder } from '../../../lib/repository/reusing-builder.ts'
import { TreeBuilder } from '../../../lib/repository/tree-builder.ts'
import { TreeCursor } from '../../../lib/repository/tree-cursor.ts'
import { treeFormats } from '../../../lib/repository/tree-format.ts'
import { MemoryChunks } from '../../kit/memory-chunks.ts'
import type { ChunkId } from '../../../lib/repository/chunk-store.ts'
import type { StoredLeaf } from '../../../lib/repository/reusing-builder.ts'

/** Any bytes may be a key here. */
const format = {
  ...treeFormats({ chunkIdKey: Buffer.alloc(32, 1), boundaryKey: Buffer.alloc(32, 2) }).map,
  isKey: () => true,
}

type Model = ReadonlyMap<string, string>

function sorted(model: Model): [Buffer, Buffer][] {
  return [...model]
    .map(([key, value]): [Buffer, Buffer] => [Buffer.from(key), Buffer.from(value)])
    .sort(([a], [b]) => Buffer.compare(a, b))
}

async function buildPlain(model: Model, chunks: MemoryChunks): Promise<ChunkId> {
  const builder = new TreeBuilder(format, (node) => chunks.put('tree', node))
  for (const [key, value] of sorted(model)) await builder.add(key, value)
  return (await builder.finish()).root
}

interface Rebuilt {
  readonly root: ChunkId
  readonly entries: number
  readonly put: number
  readonly named: readonly StoredLeaf[]
}

/** Builds `after` beside the tree of `before`, as a capture does it. */
async function rebuild(
  before: { readonly model: Model; readonly root: ChunkId; readonly chunks: MemoryChunks },
  after: Model,
  canName: (leaf: StoredLeaf) => boolean = () => true,
): Promise<Rebuilt> {
  const cursor = new TreeCursor(format, before.chunks, before.root)
  const named: StoredLeaf[] = []
  let put = 0
  const builder = new ReusingBuilder(format, {
    put: (node) => {
      put++
      return before.chunks.put('tree', node)
    },
    canName,
    name: (leaf) => {
      named.push(leaf)
      return named.length % 2 === 0 ? Promise.resolve() : undefined
    },
  })
  let last: Buffer | undefined
  for (const [key, value] of sorted(after)) {
    const stored = await cursor.find(key)
    const isSame = stored?.value.equals(value) === true
    assert(last === undefined ? builder.lastKey === undefined : builder.lastKey?.equals(last))
    assert(builder.isBehind(key))
    const passing = Buffer.from(value)
    const adding =
      isSame && cursor.leaf !== undefined ? builder.again(cursor.leaf, cursor.at) : builder.add(key, passing)
    // Whoever gave the value may use its memory again at once.
    passing.fill(0xff)
    await adding
    assert(!builder.isBehind(key))
    last = key
  }
  const entries = after.size
  expect(builder.entries).toBe(entries)
  return { ...(await builder.finish()), put, named }
}

const edited = fc
  .tuple(
    fc.integer({ min: 0, max: 3000 }),
    fc.array(
      fc.tuple(fc.constantFrom('set', 'delete', 'cut'), fc.integer({ min: 0, max: 4000 }), fc.string({ maxLength: 4 })),
      { maxLength: 12 },
    ),
  )
  .map(([size, edits]) => {
    const before = new Map(Array.from({ length: size }, (_, at) => [nameOf(at), `value ${at}`]))
    const after = new Map(before)
    for (const [what, at, value] of edits) {
      if (what === 'set') after.set(nameOf(at), value)
      else if (what === 'delete') after.delete(nameOf(at))
      // The end of a tree is where a leaf may be open.
      else for (const name of after.keys()) if (name > nameOf(at + 500)) after.delete(name)
    }
    return { before, after }
  })

function nameOf(at: number): string {
  return `key/${String(at).padStart(8, '0')}`
}

test('the tree is the one that is built entry by entry, whichever leaves may be named', async () => {
  await fc.assert(
    fc.asyncProperty(edited, fc.integer({ min: 1, max: 3 }), async ({ before, after }, every) => {
      const chunks = new MemoryChunks()
      const root = await buildPlain(before, chunks)
      let asked = 0
      const rebuilt = await rebuild({ model: before, root, chunks }, after, () => ++asked % every === 0)
      expect(rebuilt.root).toEqual(await buildPlain(after, new MemoryChunks()))
    }),
    { numRuns: 40 },
  )
})

test('of what did not change no leaf is made again, only what names them', async () => {
  const model = new Map(Array.from({ length: 4000 }, (_, at) => [nameOf(at), `value ${at}`]))
  const chunks = new MemoryChunks()
  const root = await buildPlain(model, chunks)
  const { named, put, root: again } = await rebuild({ model, root, chunks }, model)
  expect(again).toEqual(root)
  expect(named.length).toBeGreaterThan(10)
  expect(put).toBeLessThan(10)
})

test('a leaf with a change in it is made anew, its neighbours are not', async () => {
  const model = new Map(Array.from({ length: 4000 }, (_, at) => [nameOf(at), `value ${at}`]))
  const chunks = new MemoryChunks()
  const root = await buildPlain(model, chunks)
  const whole = await rebuild({ model, root, chunks }, model)
  const changed = await rebuild({ model, root, chunks }, new Map([...model, [nameOf(2000), 'another']]))
  expect(changed.named).toHaveLength(whole.named.length - 1)
})
