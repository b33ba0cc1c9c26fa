/** Nodes that only a hostile writer makes: they must cost no more than the bytes they stand in. */
import { describe, expect, test } from '@jest/globals'
import { ByteWriter } from '../../../lib/repository/byte-codec.ts'
import { NODE_ITEMS_MAX, RESOURCE_KEY_BYTES_MAX, TREE_LEVEL_MAX } from '../../../lib/repository/format.ts'
import { decodeNode, NodeWriter } from '../../../lib/repository/node-codec.ts'
import { treeFormats } from '../../../lib/repository/tree-format.ts'
import { TreeReader } from '../../../lib/repository/tree-reader.ts'
import { MemoryChunks } from '../../kit/memory-chunks.ts'

const format = { boundaryKey: Buffer.alloc(32, 1), tag: Buffer.from('a node!!') }
const broken = expect.objectContaining({ code: 'seal-broken' })

function leaf(count: number, items: (writer: ByteWriter) => void, level = 0): Buffer {
  const writer = new ByteWriter().raw(format.tag).byte(level).varint(count)
  items(writer)
  return writer.bytes()
}

describe('a node', () => {
  test('of keys that share a long beginning does not ask for the memory that they would take written out', () => {
    const bytes = leaf(20_000, (writer) => {
      writer
        .varint(0)
        .counted(Buffer.alloc(RESOURCE_KEY_BYTES_MAX - 4))
        .counted(Buffer.alloc(0))
      for (let at = 1; at < 20_000; at++) {
        const end = Buffer.alloc(4)
        end.writeUInt32BE(at)
        writer
          .varint(RESOURCE_KEY_BYTES_MAX - 4)
          .counted(end)
          .counted(Buffer.alloc(0))
      }
    })
    expect(bytes.length).toBeLessThan(400_000)
    expect(() => decodeNode(format, bytes)).toThrow(broken)
  })

  test('with a key that is too long, too many items, or on a level that there is not, is refused', () => {
    const one = (length: number): Buffer =>
      leaf(1, (writer) => void writer.varint(0).counted(Buffer.alloc(length)).counted(Buffer.alloc(0)))
    expect(decodeNode(format, one(RESOURCE_KEY_BYTES_MAX)).items).toHaveLength(1)
    expect(() => decodeNode(format, one(RESOURCE_KEY_BYTES_MAX + 1))).toThrow(broken)
    const many = (count: number): Buffer =>
      leaf(count, (writer) => {
        for (let at = 0; at < count; at++) {
          const key = Buffer.alloc(4)
          key.writeUInt32BE(at)
          writer.varint(0).counted(key).counted(Buffer.alloc(0))
        }
      })
    expect(decodeNode(format, many(NODE_ITEMS_MAX)).items).toHaveLength(NODE_ITEMS_MAX)
    expect(() => decodeNode(format, many(NODE_ITEMS_MAX + 1))).toThrow(broken)
    const child = (level: number): Buffer =>
      leaf(1, (writer) => void writer.varint(0).counted(Buffer.of(1)).raw(Buffer.alloc(32)).varint(1), level)
    expect(decodeNode(format, child(TREE_LEVEL_MAX)).level).toBe(TREE_LEVEL_MAX)
    expect(() => decodeNode(format, child(TREE_LEVEL_MAX + 1))).toThrow(broken)
  })

  test('of a map that names what lies beneath it by what is no key is refused', () => {
    const { map } = treeFormats({ chunkIdKey: Buffer.alloc(32, 1), boundaryKey: Buffer.alloc(32, 2) })
    const naming = (key: string): Buffer =>
      new ByteWriter()
        .raw(map.tag)
        .byte(1)
        .varint(1)
        .varint(0)
        .counted(Buffer.from(key, 'latin1'))
        .raw(Buffer.alloc(32))
        .varint(1)
        .bytes()
    expect(decodeNode(map, naming('entry\0file')).items).toHaveLength(1)
    for (const key of ['Entry', 'entry\0a\u0001b', '']) expect(() => decodeNode(map, naming(key))).toThrow(broken)
  })

  test('whose keys do not ascend is refused, however much of them is said to be shared', () => {
    const two = (first: string, shared: number, rest: string): Buffer =>
      leaf(2, (writer) => {
        writer.varint(0).counted(Buffer.from(first)).counted(Buffer.alloc(0))
        writer.varint(shared).counted(Buffer.from(rest)).counted(Buffer.alloc(0))
      })
    expect(decodeNode(format, two('ab', 1, 'c')).items.map(({ key }) => key.toString())).toEqual(['ab', 'ac'])
    expect(decodeNode(format, two('ab', 0, 'ac')).items).toHaveLength(2)
    expect(decodeNode(format, two('ab', 2, 'a')).items).toHaveLength(2)
    for (const [shared, rest] of [
      [1, 'a'],
      [1, 'b'],
      [0, 'aa'],
      [0, 'ab'],
      [0, 'a'],
      [2, ''],
      [1, ''],
    ] as const)
      expect(() => decodeNode(format, two('ab', shared, rest))).toThrow(broken)
  })

  test('that names what its neighbour holds already is refused: else each level would double what a walk meets', async () => {
    const chunks = new MemoryChunks()
    const last = (at: number): Buffer => Buffer.from(`key ${String(at).padStart(3, '0')}`)
    const write = async (level: number, fill: (writer: NodeWriter) => void): Promise<Buffer> => {
      const writer = new NodeWriter(level)
      fill(writer)
      return await chunks.put('tree', writer.take(format))
    }
    interface Made {
      readonly key: Buffer
      readonly id: Buffer
      readonly entries: number
    }
    const leafOf = async (...keys: Buffer[]): Promise<Made> => ({
      key: keys.at(-1) as Buffer,
      id: await write(0, (writer) => keys.forEach((key) => writer.entry({ key, value: Buffer.alloc(0) }))),
      entries: keys.length,
    })
    const above = async (level: number, ...children: Made[]): Promise<Made> => ({
      key: (children.at(-1) as Made).key,
      id: await write(level, (writer) => children.forEach((child) => writer.child(child))),
      entries: children.reduce((sum, { entries }) => sum + entries, 0),
    })
    // `one` lies in `both`, too, and both lie beneath each node above: every parent is right about its last key and the number of entries.
    let [one, both] = [await leafOf(last(0)), await leafOf(last(0), last(1))]
    for (let level = 1; level <= 30; level++) {
      let behind = await leafOf(last(level + 1))
      for (let at = 1; at < level; at++) behind = await above(at, behind)
      ;[one, both] = [await above(level, one, both), await above(level, one, both, behind)]
    }
    const walk = async (): Promise<number> => {
      let seen = 0
      for await (const _ of new TreeReader(format, chunks).entries(one.id))
        if (++seen > 1_000_000) throw new Error('no end in sight')
      return seen
    }
    await expect(walk()).rejects.toEqual(broken)
  })
})
