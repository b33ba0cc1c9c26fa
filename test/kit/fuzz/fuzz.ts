/** One seeded attack after the other on the fuzz world: chance, and a hostile writer who has the keys. */
import { base32 } from '../../../lib/repository/base32.ts'
import { decodeBlock } from '../../../lib/repository/compression.ts'
import { sealIndex } from '../../../lib/repository/index-object.ts'
import { chunkId } from '../../../lib/repository/keys.ts'
import { PackReader } from '../../../lib/repository/pack-reader.ts'
import { openPack } from '../../../lib/repository/pack-seal.ts'
import { readPackTable, readPackTableHead } from '../../../lib/repository/pack-table.ts'
import { PackWriter } from '../../../lib/repository/pack-writer.ts'
import { openObject, sealObject } from '../../../lib/repository/seal.ts'
import type { MemoryObjectStore } from '../../../lib/platform/object-store/memory.ts'
import type { Random } from '../../../lib/platform/random.ts'
import { seededRandom } from '../seeded-random.ts'
import { kindOf } from './fuzz-world.ts'
import type { FuzzWorld } from './fuzz-world.ts'
import { mutateBytes, mutateJson, oneOf, pick } from './mutate.ts'

export const attacks = ['raw', 'resealed', 'keys', 'deployment', 'tree', 'table'] as const
export type Attack = (typeof attacks)[number]

/** The error that is none of ours, if there was one. The same seed does the same. */
export async function attack(world: FuzzWorld, kind: Attack, seed: number): Promise<unknown> {
  const random = seededRandom(`${kind} ${seed}`)
  const store = world.copy()
  damage(world, store, kind, random)
  return await world.exercise(store)
}

function damage(world: FuzzWorld, store: MemoryObjectStore, kind: Attack, random: Random): void {
  const paths = store.keys()
  const change = (path: string, with_: (bytes: Buffer) => Buffer): void =>
    store.replace(path, with_(store.peek(path) as Buffer))
  switch (kind) {
    case 'raw': {
      const path = oneOf(random, paths)
      return change(path, (bytes) => mutateBytes(random, bytes))
    }
    case 'resealed':
      return reseal(
        world,
        store,
        oneOf(
          random,
          paths.filter((path) => kindOf(path) !== undefined),
        ),
        random,
      )
    case 'keys':
      return change(
        oneOf(
          random,
          paths.filter((path) => /^keys\/.*\/\d+$/.test(path)),
        ),
        (bytes) => mutateJson(random, bytes),
      )
    case 'deployment':
      return change(
        oneOf(
          random,
          paths.filter((path) => path.startsWith('deployment/')),
        ),
        (bytes) => mutateJson(random, bytes),
      )
    case 'tree':
      return replaceNode(world, store, random)
    case 'table':
      return replaceTable(world, store, random)
  }
}

/** Plaintext changed, and sealed again as it must be. */
function reseal(world: FuzzWorld, store: MemoryObjectStore, path: string, random: Random): void {
  const known = kindOf(path)
  if (known === undefined) return
  const place = { parentKey: known.key === 'tree' ? world.keys.treeKey : world.runKey, kind: known.kind, path }
  const records = openObject({ ...place, bytes: store.peek(path) as Buffer })
  const at = pick(random, records.length)
  const isJson = at === 0 && known.kind !== 'owner'
  const changed = isJson ? mutateJson(random, records[at] as Buffer) : mutateBytes(random, records[at] as Buffer)
  const others = pick(random, 8) === 0 ? records.slice(0, at) : records.slice(at + 1)
  store.replace(path, sealObject({ ...place, records: [...records.slice(0, at), changed, ...others], random }))
}

/** One node of a tree in a pack is another: it gets its right id, and so does everything above it, up to the snapshot's root. */
function replaceNode(world: FuzzWorld, store: MemoryObjectStore, random: Random): void {
  const { keys, sliceId } = world
  const nodes = new Map<string, Buffer>()
  for (const path of store.keys().filter((one) => one.includes('/trees/')))
    for (const node of chunksOf(world, store, path)) nodes.set(node.id, node.bytes)
  const victim = oneOf(random, [...nodes.keys()])
  const renamed = new Map<string, Buffer>([[victim, mutateBytes(random, nodes.get(victim) as Buffer)]])
  const idOf = (bytes: Buffer): Buffer => chunkId(keys.chunkIdKey, bytes)
  for (let waiting = [victim]; waiting.length > 0;) {
    const next: string[] = []
    for (const id of waiting) {
      const [old, now] = [Buffer.from(id, 'hex'), idOf(renamed.get(id) as Buffer)]
      for (const [parent, bytes] of nodes) {
        const body = renamed.get(parent) ?? bytes
        if (parent === id || !body.includes(old)) continue
        renamed.set(parent, replaceAll(body, old, now))
        next.push(parent)
      }
    }
    waiting = next
  }
  const writer = new PackWriter({ sliceId, sort: 'tree', keys, random })
  const distinct = new Map([...renamed.values()].map((bytes) => [idOf(bytes).toString('hex'), bytes]))
  for (const [id, bytes] of distinct) writer.add(Buffer.from(id, 'hex'), bytes)
  const { path, body, table } = writer.finish()
  store.replace(path, body)
  const index = sealIndex({ sliceId, treeKey: keys.treeKey, random }, { supersedes: [], tables: [table] })
  store.replace(index.path, index.bytes)
  for (const snapshot of store.keys().filter((one) => /\/(snapshots|checkpoints)\//.test(one))) {
    const known = kindOf(snapshot)
    if (known === undefined) continue
    const place = { parentKey: keys.treeKey, kind: known.kind, path: snapshot }
    const [document, ...rest] = openObject({ ...place, bytes: store.peek(snapshot) as Buffer })
    let text = String(document)
    for (const [id, bytes] of renamed) text = text.replaceAll(id, idOf(bytes).toString('hex'))
    store.replace(snapshot, sealObject({ ...place, records: [Buffer.from(text), ...rest], random }))
  }
}

/** A pack's table says something else, in the pack and in the index. */
function replaceTable(world: FuzzWorld, store: MemoryObjectStore, random: Random): void {
  const { keys, sliceId } = world
  const path = oneOf(
    random,
    store.keys().filter((one) => /\/(trees|packs)\//.test(one)),
  )
  const body = store.peek(path) as Buffer
  const begin = body.length - 4 - body.readUInt32BE(body.length - 4)
  const place = { parentKey: keys.treeKey, kind: 'pack-table', path } as const
  const [table] = openObject({ ...place, bytes: body.subarray(begin, -4) })
  const changed = mutateBytes(random, table as Buffer)
  const sealed = sealObject({ ...place, records: [changed], random })
  const trailer = Buffer.alloc(4)
  trailer.writeUInt32BE(sealed.length)
  store.replace(path, Buffer.concat([body.subarray(0, begin), sealed, trailer]))
  const index = sealIndex({ sliceId, treeKey: keys.treeKey, random }, { supersedes: [], tables: [changed] })
  store.replace(`slices/${sliceId}/index/${base32(random.bytes(16))}`, index.bytes)
  store.replace(index.path, index.bytes)
}

function chunksOf(
  { keys, sliceId }: FuzzWorld,
  store: MemoryObjectStore,
  path: string,
): { id: string; bytes: Buffer }[] {
  const body = store.peek(path) as Buffer
  const reader = new PackReader({ store, sliceId, keys })
  const table = reader.verify('tree', path.slice(path.lastIndexOf('/') + 1), body)
  const opener = openPack(keys, sliceId, readPackTableHead(table))
  const chunks: { id: string; bytes: Buffer }[] = []
  let plain: Buffer = Buffer.alloc(0)
  readPackTable(table, {
    block: ({ number, offset, sealedBytes, plainBytes }) => {
      plain = decodeBlock(opener.open(number, body.subarray(offset, offset + sealedBytes)), plainBytes)
    },
    chunk: (from, idAt, offset, length) =>
      void chunks.push({
        id: from.subarray(idAt, idAt + 32).toString('hex'),
        bytes: Buffer.from(plain.subarray(offset, offset + length)),
      }),
  })
  return chunks
}

function replaceAll(bytes: Buffer, old: Buffer, now: Buffer): Buffer {
  const changed = Buffer.from(bytes)
  for (let at = changed.indexOf(old); at !== -1; at = changed.indexOf(old, at + old.length)) now.copy(changed, at)
  return changed
}
