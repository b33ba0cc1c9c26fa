/**
 * Makes the test vectors of docs/format.md from "Tree" on: `node test/golden/make-tree-vectors.ts` writes them into vectors/ anew, and
 * tree-vectors.test.ts holds them against the code: a difference means that the format has changed. All bytes are hexadecimal.
 */
import { hash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock } from '../../lib/platform/clock.ts'
import { silentLog } from '../../lib/log.ts'
import { encodeResource, StoredEntry } from '../../lib/repository/body.ts'
import { ContentWriter } from '../../lib/repository/content-writer.ts'
import { Chunker, gearTable } from '../../lib/repository/chunker.ts'
import { deriveKeyPair } from '../../lib/repository/hpke.ts'
import { chunkId, deriveSliceKeys } from '../../lib/repository/keys.ts'
import { sealSnapshot } from '../../lib/repository/snapshot-object.ts'
import { TreeBuilder } from '../../lib/repository/tree-builder.ts'
import { heightOf, treeFormats } from '../../lib/repository/tree-format.ts'
import { canonicalJson } from '../../lib/resources/json.ts'
import { encodeKey, formatKey } from '../../lib/resources/key.ts'
import { MemoryChunks } from '../kit/memory-chunks.ts'
import { resourceOf } from '../kit/slice-source.ts'
import { vectorsFolder } from './make-vectors.ts'
import type { ObjectStore } from '../../lib/platform/object-store/port.ts'
import type { Random } from '../../lib/platform/random.ts'
import type { SliceContext } from '../../lib/repository/slice-context.ts'
import type { StagedChunk } from '../../lib/repository/snapshot-object.ts'
import type { Thing } from '../kit/slice-source.ts'

type Json = string | number | null | boolean | readonly Json[] | { readonly [name: string]: Json }

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/** The secrets of every vector here. */
export const treeSecret = Buffer.alloc(32, 7)
export const contentKeys = deriveKeyPair(Buffer.alloc(32, 9))
const keys = deriveSliceKeys(treeSecret, contentKeys.publicKey, contentKeys.privateKey)
const formats = treeFormats(keys)
const secrets = { treeSecret: hex(treeSecret), contentPublicKey: hex(contentKeys.publicKey), contentPrivateKey: hex(contentKeys.privateKey) }
export const sliceId = 'mfrggzdfmztwq2lkmfrggzdfmz'
export const snapshotId = '20261121T020000Z-full-0123456789.1'

/** Block n of "random" bytes is SHA-256("toriki vectors tree " ‖ n). */
function countedRandom(): Random {
  let block = 0
  return {
    bytes(count) {
      const parts: Buffer[] = []
      for (let have = 0; have < count; have += 32) parts.push(hash('sha256', `toriki vectors tree ${block++}`, 'buffer'))
      return Buffer.concat(parts).subarray(0, count)
    },
    fraction: () => 0,
  }
}

function keyAndJsonVectors(): Json {
  const parts: [string, (string | Buffer)[]][] = [
    ['entry', []],
    ['entry', ['notes', 'b.txt']],
    ['entry', ['a b', 'c/d', '50%', 'new\nline']],
    ['entry', [Buffer.of(0, 1, 2, 0xff)]],
    ['entry', ['ö', '名']],
    ['user', ['ann']],
    ['client-role', ['jupyterhub', 'my-perm']],
  ]
  const values: Json[] = [{ b: 1, a: [true, null, 'x\n'] }, { '\ufb33': 1, '😀': 2, 'ö': 3, '1': 4 }, [1e30, 4.5, 0.002, 1e-27, -0], 'quote " and \\ and €']
  return {
    keys: parts.map(([kind, segments]) => {
      const key = encodeKey(kind, segments)
      return { kind, segments: segments.map((segment) => hex(Buffer.from(segment))), key: hex(key), written: formatKey(key) }
    }),
    json: values.map((value) => ({ value, canonical: canonicalJson(value) })),
  }
}

async function treeVectors(): Promise<Json> {
  const build = async (entries: readonly (readonly [Buffer, Buffer])[], tag: 'map' | 'list' = 'map'): Promise<{ root: string; nodes: { id: string; bytes: string }[] }> => {
    const nodes: { id: string; bytes: string }[] = []
    const builder = new TreeBuilder(formats[tag], (node) => {
      const id = chunkId(keys.chunkIdKey, node)
      nodes.push({ id: hex(id), bytes: hex(node) })
      return Promise.resolve(id)
    })
    for (const [key, value] of entries) await builder.add(key, value)
    return { root: hex((await builder.finish()).root), nodes }
  }
  const numbered = Array.from({ length: 60_000 }, (_, at) => [Buffer.from(`key/${String(at).padStart(8, '0')}`), Buffer.from(String(at))] as const)
  const small = [encodeKey('entry', ['a']), encodeKey('entry', ['a', 'b']), encodeKey('entry', ['ab'])].map((key, at) => [key, Buffer.of(at)] as const)
  const large = await build(numbered)
  const levels: number[] = []
  for (const { bytes } of large.nodes) {
    const level = Buffer.from(bytes, 'hex')[8] as number
    levels[level] = (levels[level] ?? 0) + 1
  }
  return {
    ...secrets,
    boundaryKey: hex(keys.boundaryKey),
    digestKey: hex(formats.digestKey),
    tags: { map: hex(formats.map.tag), list: hex(formats.list.tag) },
    heights: numbered.slice(0, 40_000).map(([key]) => [key.toString(), heightOf(keys.boundaryKey, key)] as const).filter(([, height], at) => at < 5 || height > 1),
    empty: await build([]),
    small: { entries: small.map(([key, value]) => ({ key: hex(key), value: hex(value) })), ...(await build(small)) },
    large: { recipe: 'keys "key/" ‖ eight decimal digits, from 0 to 59999; values: the number in decimal', root: large.root, nodesPerLevel: levels },
  }
}

async function contentVectors(): Promise<Json> {
  const things: Record<string, Thing> = {
    'a short text': { state: 'file', content: 'hello' },
    'nothing': { content: '' },
    'a hole and data': { content: [{ holeBytes: 4096 }, Buffer.from('end')] },
    '17 extents': { content: Array.from({ length: 17 }, (_, at) => (at % 2 === 0 ? Buffer.from(`data ${at}`) : { holeBytes: at })) },
    'a secret and kept': { state: 'enabled', kept: 'id-1', secret: 'geheim' },
    'a long body': { state: 'x'.repeat(5000), kept: 'id-1' },
  }
  const made: Json[] = []
  for (const [name, thing] of Object.entries(things)) {
    const chunks = new VectorChunks()
    const resource = resourceOf(name, thing)
    const writer = new ContentWriter(new Chunker(gearTable(keys.gearKey)), formats.list)
    const { value } = await encodeResource(resource, { formats, writer, sink: chunks })
    const entry = new StoredEntry({ key: resource.key, value }, formats, chunks)
    made.push({
      name,
      value: hex(value),
      stateDigest: entry.stateDigest,
      ...(entry.content && { contentDigest: entry.content.digest, size: entry.content.sizeBytes }),
      chunks: [...chunks.chunks].map(([id, { sort, bytes }]) => ({ id, sort, bytes: hex(bytes) })),
    })
  }
  return { ...secrets, entries: made }
}

async function snapshotVectors(): Promise<Json> {
  const chunks = new VectorChunks()
  const writer = new ContentWriter(new Chunker(gearTable(keys.gearKey)), formats.list)
  const resource = resourceOf('user/ann', { state: 'enabled', kept: 'id-1', secret: 'geheim' })
  const { value } = await encodeResource(resource, { formats, writer, sink: chunks })
  const builder = new TreeBuilder(formats.map, (node) => chunks.put('tree', node))
  await builder.add(resource.key, value)
  const { root } = await builder.finish()
  const staged = new Map<string, StagedChunk>(chunks.chunks)
  const record = { root: hex(root), resources: 1, containers: 0, bytes: 0, notes: [], readAt: '2026-11-21T02:00:01.000Z' }
  const { bytes } = sealSnapshot(
    vectorContext(),
    snapshotId,
    {
      time: '2026-11-21T02:00:00.000Z',
      since: '2026-11-21T02:00:00.000Z',
      writer: '0123456789abcdef0123456789abcdef',
      parent: undefined,
      marks: undefined,
      owned: false,
      indexes: [],
      missing: [{ component: 'files', code: 'root-missing' }],
      known: new Map(),
    },
    new Map([['keycloak', { record, chunks: new Map(), staged }]]),
  )
  return { ...secrets, sliceId, snapshotId, sealed: hex(bytes), root: hex(root), key: hex(resource.key), value: hex(value), secret: hex(Buffer.from('geheim')) }
}

/** A slice without a store, with the vectors' keys. */
export function vectorContext(store: Pick<ObjectStore, 'get'> = { get: () => Promise.reject(new Error('no store')) }): SliceContext {
  const refuse = (): never => {
    throw new Error('vectors write nothing')
  }
  const platform = { store: { ...store, get: store.get, create: refuse, list: refuse, delete: refuse }, clock: systemClock, random: countedRandom(), log: silentLog }
  return { platform, sliceId, keys, formats, isOwned: false, readOwner: refuse, readNext: refuse }
}

/** Chunks under the vectors' real ids. */
class VectorChunks extends MemoryChunks {
  override idOf(bytes: Uint8Array): Buffer {
    return chunkId(keys.chunkIdKey, bytes)
  }
}

export const treeVectorMakers: Readonly<Record<string, () => Json | Promise<Json>>> = {
  'keys-and-json': keyAndJsonVectors,
  'tree': treeVectors,
  'entries': contentVectors,
  'snapshot': snapshotVectors,
}

if (process.argv[1] === import.meta.filename) {
  for (const [name, make] of Object.entries(treeVectorMakers)) {
    writeFileSync(join(vectorsFolder, `${name}.json`), `${JSON.stringify(await make(), null, 2)}\n`)
  }
}
