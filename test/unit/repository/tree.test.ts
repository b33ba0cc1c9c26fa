import { createHash } from 'node:crypto'
import { describe, expect, jest, test } from '@jest/globals'
import fc from 'fast-check'
import { TreeBuilder } from '../../../lib/repository/tree-builder.ts'
import { diffTrees } from '../../../lib/repository/tree-diff.ts'
import { heightOf, treeFormats } from '../../../lib/repository/tree-format.ts'
import { TreeCursor } from '../../../lib/repository/tree-cursor.ts'
import { TreeReader } from '../../../lib/repository/tree-reader.ts'
import { MemoryChunks } from '../../kit/memory-chunks.ts'
import type { ChunkId } from '../../../lib/repository/chunk-store.ts'
import type { TreeNode } from '../../../lib/repository/node-codec.ts'

/** Any bytes may be a key here. */
const format = {
  ...treeFormats({ chunkIdKey: Buffer.alloc(32, 1), boundaryKey: Buffer.alloc(32, 2) }).map,
  isKey: () => true,
}

type Model = ReadonlyMap<string, string>

async function build(model: Model, chunks = new MemoryChunks()): Promise<{ root: ChunkId; chunks: MemoryChunks }> {
  const builder = new TreeBuilder(format, (node) => chunks.put('tree', node))
  for (const [key, value] of [...model].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))) {
    const passing = Buffer.from(value)
    const adding = builder.add(Buffer.from(key), passing)
    // Whoever gave the value may use its memory again at once.
    passing.fill(0xff)
    await adding
  }
  const { root, entries } = await builder.finish()
  expect(entries).toBe(model.size)
  return { root, chunks }
}

async function readAll(root: ChunkId, chunks: MemoryChunks, range = {}): Promise<[string, string][]> {
  const found: [string, string][] = []
  for await (const { key, value } of new TreeReader(format, chunks).entries(root, range)) {
    found.push([key.toString(), value.toString()])
  }
  return found
}

function sorted(model: Model): [string, string][] {
  return [...model].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
}

/** `count` keys; long enough maps have several levels. */
function numbered(count: number, value = (at: number) => `value ${at}`): Map<string, string> {
  return new Map(Array.from({ length: count }, (_, at) => [`key/${String(at).padStart(8, '0')}`, value(at)]))
}

async function nodesOf(root: ChunkId, chunks: MemoryChunks): Promise<TreeNode[]> {
  const reader = new TreeReader(format, chunks)
  const nodes: TreeNode[] = []
  const visit = async (node: TreeNode): Promise<void> => {
    nodes.push(node)
    if (!node.leaf) for (const child of node.items) await visit(await reader.child(node.level, child, undefined))
  }
  await visit(await reader.root(root))
  return nodes
}

const key = fc.oneof(
  fc.string({ maxLength: 12, unit: 'binary' }),
  fc.integer({ min: 0, max: 3000 }).map((n) => `k${n}`),
)
const model = fc.array(fc.tuple(key, fc.string({ maxLength: 8 })), { maxLength: 400 }).map((pairs) => new Map(pairs))

/** A large map from a seed, so that trees have levels, and some edits of it. */
const edited = fc
  .tuple(
    fc.integer({ min: 0, max: 4000 }),
    fc.array(
      fc.tuple(fc.constantFrom('set', 'delete'), fc.integer({ min: 0, max: 5000 }), fc.string({ maxLength: 4 })),
      { maxLength: 30 },
    ),
  )
  .map(([size, edits]) => {
    const before = new Map(numbered(size))
    const after = new Map(before)
    for (const [what, at, value] of edits) {
      const name = `key/${String(at).padStart(8, '0')}`
      if (what === 'delete') after.delete(name)
      else after.set(name, value)
    }
    return { before, after }
  })

describe('a tree', () => {
  test('gives back the map, in key order', async () => {
    await fc.assert(
      fc.asyncProperty(model, async (map) => {
        const { root, chunks } = await build(map)
        expect(await readAll(root, chunks)).toEqual(sorted(map))
      }),
      { numRuns: 60 },
    )
  })

  test('gives back exactly a range', async () => {
    await fc.assert(
      fc.asyncProperty(model, key, key, async (map, from, until) => {
        const { root, chunks } = await build(map)
        const inside = sorted(map).filter(
          ([name]) =>
            Buffer.compare(Buffer.from(name), Buffer.from(from)) >= 0 &&
            Buffer.compare(Buffer.from(name), Buffer.from(until)) < 0,
        )
        expect(await readAll(root, chunks, { from: Buffer.from(from), until: Buffer.from(until) })).toEqual(inside)
      }),
      { numRuns: 60 },
    )
  })

  test('finds keys in whatever order they are asked for, also after one that is damaged', async () => {
    const name = (at: number): string => `key/${String(at).padStart(8, '0')}`
    const walk = fc.array(
      fc.tuple(fc.constantFrom('on', 'back', 'far'), fc.integer({ min: 0, max: 40 }), fc.boolean()),
      { minLength: 1, maxLength: 120 },
    )
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 3000 }), walk, async (size, steps) => {
        const map = new Map([...numbered(size)].filter((_, at) => at % 3 !== 1))
        const { root, chunks } = await build(map)
        let isDamaged = false
        const get: MemoryChunks['get'] = async (sort, id) =>
          await (isDamaged ? Promise.reject(new Error('damaged')) : chunks.get(sort, id))
        const cursor = new TreeCursor(format, { get }, root)
        let at = 0
        for (const [how, by, damage] of steps) {
          at = how === 'far' ? by * 80 : Math.max(0, how === 'on' ? at + by : at - by)
          isDamaged = damage
          const entry = await Promise.resolve(cursor.find(Buffer.from(name(at)))).catch(() => 'damaged' as const)
          if (entry === 'damaged') expect(damage).toBe(true)
          else expect(entry?.value.toString()).toBe(map.get(name(at)))
        }
      }),
      { numRuns: 60 },
    )
  })

  test('is walked along backwards from leaf to leaf', async () => {
    const map = numbered(4000)
    const { root, chunks } = await build(map)
    const get = jest.fn<MemoryChunks['get']>((sort, id) => chunks.get(sort, id))
    const cursor = new TreeCursor(format, { get }, root)
    for (const [name] of sorted(map).toReversed()) expect(await cursor.find(Buffer.from(name))).toBeDefined()
    expect(get).toHaveBeenCalledTimes((await nodesOf(root, chunks)).length)
  })

  test('of the empty map is one leaf without entries', async () => {
    const { root, chunks } = await build(new Map())
    expect(chunks.chunks.size).toBe(1)
    expect(await nodesOf(root, chunks)).toMatchObject([{ leaf: true, level: 0, items: [] }])
  })

  test('has no node but those below its root: nothing is stored for nothing', async () => {
    for (const size of [0, 1, 2, 100, 1000, 20_000]) {
      const { root, chunks } = await build(numbered(size))
      expect(await nodesOf(root, chunks)).toHaveLength(chunks.chunks.size)
    }
  })

  test('closes a node exactly at entries of a greater height, and the first level of one node is the root', async () => {
    const { root, chunks } = await build(numbered(60_000))
    const nodes = await nodesOf(root, chunks)
    const byLevel = Map.groupBy(nodes, (node) => node.level)
    const top = nodes[0]?.level as number
    expect(top).toBeGreaterThan(1)
    for (const [level, ofLevel] of byLevel) {
      expect(ofLevel.length === 1).toBe(level === top)
      for (const [at, node] of ofLevel.entries()) {
        const heights = node.items.map((item) => heightOf(format.boundaryKey, item.key))
        expect(heights.slice(0, -1).every((height) => height <= level)).toBe(true)
        if (at < ofLevel.length - 1) expect(heights.at(-1)).toBeGreaterThan(level)
        expect(node.items.length).toBeGreaterThan(0)
      }
    }
    const leaves = byLevel.get(0)?.length as number
    expect(60_000 / leaves).toBeGreaterThan(90)
    expect(60_000 / leaves).toBeLessThan(180)
  })

  test('finds an entry by reading one node per level', async () => {
    const { root, chunks } = await build(numbered(20_000))
    const levels = (await new TreeReader(format, chunks).root(root)).level + 1
    chunks.gets = 0
    const found = await new TreeReader(format, chunks).find(root, Buffer.from('key/00012345'))
    expect(found?.value.toString()).toBe('value 12345')
    expect(chunks.gets).toBe(levels)
    expect(await new TreeReader(format, chunks).find(root, Buffer.from('key/00012345x'))).toBeUndefined()
    expect(await new TreeReader(format, chunks).find(root, Buffer.from('z'))).toBeUndefined()
  })

  test('rewrites one leaf and its ancestors when one entry changes', async () => {
    const map = numbered(20_000)
    const { root, chunks } = await build(map)
    const levels = (await new TreeReader(format, chunks).root(root)).level + 1
    for (const at of [0, 777, 19_999]) {
      chunks.forgetPuts()
      await build(new Map(map).set(`key/${String(at).padStart(8, '0')}`, 'another'), chunks)
      expect(chunks.puts).toHaveLength(levels)
    }
  })

  test('is another under another boundary key', async () => {
    const other = treeFormats({ chunkIdKey: Buffer.alloc(32, 1), boundaryKey: Buffer.alloc(32, 3) }).map
    expect(heightsOf(other.boundaryKey)).not.toEqual(heightsOf(format.boundaryKey))
  })

  test('does not read as a tree of another generation or kind', async () => {
    const { root, chunks } = await build(numbered(3))
    const { list } = treeFormats({ chunkIdKey: Buffer.alloc(32, 1), boundaryKey: Buffer.alloc(32, 2) })
    await expect(new TreeReader(list, chunks).root(root)).rejects.toMatchObject({ code: 'seal-broken' })
  })

  test('refuses any node that was cut short or changed in a way that breaks its shape', async () => {
    const { root, chunks } = await build(numbered(40))
    const whole = await chunks.get('tree', root)
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: whole.length - 1 }), async (length) => {
        const id = await chunks.put('tree', whole.subarray(0, length))
        await expect(new TreeReader(format, chunks).root(id)).rejects.toMatchObject({ code: 'seal-broken' })
      }),
      { numRuns: 50 },
    )
    const longer = await chunks.put('tree', Buffer.concat([whole, Buffer.of(0)]))
    await expect(new TreeReader(format, chunks).root(longer)).rejects.toMatchObject({ code: 'seal-broken' })
  })

  test('refuses a child that is not what its parent says', async () => {
    const { root, chunks } = await build(numbered(2000))
    const reader = new TreeReader(format, chunks)
    const top = await reader.root(root)
    if (top.leaf) throw new Error('too small')
    const [first, second] = top.items
    const broken = { code: 'seal-broken' }
    await expect(reader.child(top.level, { ...first!, id: second!.id }, undefined)).rejects.toMatchObject(broken)
    await expect(reader.child(top.level, { ...first!, id: root }, undefined)).rejects.toMatchObject(broken)
    await expect(reader.child(top.level, { ...first!, entries: first!.entries + 1 }, undefined)).rejects.toMatchObject(
      broken,
    )
    // Begins before where the sibling before it ends: nodes that share children could be walked for ever.
    await expect(reader.child(top.level, second!, second!.key)).rejects.toMatchObject(broken)
    expect((await reader.child(top.level, second!, first!.key)).level).toBe(top.level - 1)
  })

  test('refuses keys that do not ascend', async () => {
    const builder = new TreeBuilder(format, () => Promise.resolve(Buffer.alloc(32)))
    await builder.add(Buffer.from('b'), Buffer.alloc(0))
    expect(() => builder.add(Buffer.from('b'), Buffer.alloc(0))).toThrow('ascending')
  })
})

describe('the same map', () => {
  test('gives the same root, whatever came before', async () => {
    await fc.assert(
      fc.asyncProperty(edited, async ({ before, after }) => {
        const { chunks } = await build(before)
        const fromHistory = await build(after, chunks)
        const fromNothing = await build(new Map([...after].reverse()))
        expect(fromHistory.root).toEqual(fromNothing.root)
      }),
      { numRuns: 40 },
    )
  })

  test('gives the same root when it is read back half-way from the stored nodes and continued', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 3000 }), fc.nat(), async (size, cut) => {
        const whole = sorted(numbered(size))
        const at = cut % (whole.length + 1)
        const first = await build(new Map(whole.slice(0, at)))
        const builder = new TreeBuilder(format, (node) => first.chunks.put('tree', node))
        for await (const { key: name, value } of new TreeReader(format, first.chunks).entries(first.root))
          await builder.add(name, value)
        for (const [name, value] of whole.slice(at)) await builder.add(Buffer.from(name), Buffer.from(value))
        expect((await builder.finish()).root).toEqual((await build(new Map(whole))).root)
      }),
      { numRuns: 30 },
    )
  })
})

describe('a diff', () => {
  const diff = async (before: Model | undefined, after: Model | undefined): Promise<unknown[]> => {
    const a = before && (await build(before))
    const b = after && (await build(after))
    const side = (built: typeof a): { reader: TreeReader; root: ChunkId | undefined } => ({
      reader: new TreeReader(format, built?.chunks ?? new MemoryChunks()),
      root: built?.root,
    })
    const found: unknown[] = []
    for await (const some of diffTrees(side(a), side(b)))
      for (const one of some)
        found.push([one.key.toString(), one.before?.value.toString(), one.after?.value.toString()])
    return found
  }
  const naive = (before: Model, after: Model): unknown[] =>
    [...new Set([...before.keys(), ...after.keys()])]
      .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      .filter((name) => before.get(name) !== after.get(name))
      .map((name) => [name, before.get(name), after.get(name)])

  test('is the difference of the two maps, in key order', async () => {
    await fc.assert(
      fc.asyncProperty(model, model, async (a, b) => expect(await diff(a, b)).toEqual(naive(a, b))),
      { numRuns: 60 },
    )
    await fc.assert(
      fc.asyncProperty(edited, async ({ before, after }) =>
        expect(await diff(before, after)).toEqual(naive(before, after)),
      ),
      { numRuns: 60 },
    )
  })

  test('takes a side that is not there for the empty map', async () => {
    expect(await diff(undefined, numbered(2))).toEqual(naive(new Map(), numbered(2)))
    expect(await diff(numbered(2), undefined)).toEqual(naive(numbered(2), new Map()))
    expect(await diff(undefined, undefined)).toEqual([])
  })

  test('reads only what differs', async () => {
    const chunks = new MemoryChunks()
    const before = numbered(30_000)
    const after = new Map(before).set('key/00023333', 'another')
    after.set('key/000000000', 'one more at the front')
    const [a, b] = [await build(before, chunks), await build(after, chunks)]
    chunks.gets = 0
    let count = 0
    const reader = new TreeReader(format, chunks)
    for await (const some of diffTrees({ reader, root: a.root }, { reader, root: b.root })) count += some.length
    expect(count).toBe(2)
    expect(chunks.gets).toBeLessThan(30)
  })
})

function heightsOf(boundaryKey: Buffer): number[] {
  return Array.from({ length: 1000 }, (_, at) => heightOf(boundaryKey, Buffer.from(`key ${at}`)))
}

describe('the height of a key', () => {
  test('is a seventh of the leading zero bits of SHA-256 over boundary key and key', () => {
    for (let at = 0; at < 2000; at++) {
      const name = Buffer.from(`key ${at}`)
      const bits = [...createHash('sha256').update(format.boundaryKey).update(name).digest()]
        .map((byte) => byte.toString(2).padStart(8, '0'))
        .join('')
      expect(heightOf(format.boundaryKey, name)).toBe(Math.floor(bits.indexOf('1') / 7))
    }
  })
})
