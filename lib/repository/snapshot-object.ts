/**
 * Snapshots and checkpoints as sealed objects (docs/format.md, "Snapshot").
 *
 * ```
 * record 0   the document, canonical JSON
 * record 1   block of the inlined tree nodes
 * record 2   enc 32 ‖ a sealed object of one record under the key that enc opens: block of the inlined content
 * ```
 *
 * A record whose block would hold nothing is empty. A checkpoint has record 0 alone. Whoever wrote record 2 cannot open it again.
 */
import { createHash } from 'node:crypto'
import { isTorikiError, TorikiError } from '../errors.ts'
import { OBJECT_BYTES_MAX } from '../limits.ts'
import { decodeBlock, encodeBlock } from './compression.ts'
import { decapsulate, encapsulate } from './hpke.ts'
import { KEY_BYTES } from './format.ts'
import { openObject, sealObject } from './seal.ts'
import { slicePath } from './slice-context.ts'
import {
  decodeCheckpointDocument,
  decodeSnapshotDocument,
  encodeCheckpointDocument,
  encodeSnapshotDocument,
} from './snapshot-document.ts'
import type { Platform } from '../platform/platform.ts'
import type { ChunkSort } from './chunk-store.ts'
import type { SealPlace } from './seal.ts'
import type { SliceContext } from './slice-context.ts'
import type {
  CheckpointDocument,
  InlineChunk,
  InlineChunks,
  SnapshotDocument,
  StoredComponent,
} from './snapshot-document.ts'
import type { SnapshotId } from './snapshot.ts'

const COMPRESSION_LEVEL = 3
/** More than any writer inlines: bounds memory before a block is unpacked. */
const INLINE_BLOCK_BYTES_MAX = 16 * 1024 * 1024

/** A component on its way into a snapshot: what is named in other holders, and the chunks that this object shall hold. */
export interface ComponentToSeal extends StoredComponent {
  readonly staged: ReadonlyMap<string, StagedChunk>
  /** Of `hints`. */
  readonly stagedHints?: ReadonlyMap<string, StagedChunk> | undefined
}

export interface StagedChunk {
  readonly sort: ChunkSort
  readonly bytes: Buffer
}

export interface SealedSnapshot {
  readonly bytes: Buffer
  readonly document: SnapshotDocument
}

/** A snapshot's sealed object; the document that comes back names where each chunk came to lie. */
export function sealSnapshot(
  context: SliceContext,
  id: SnapshotId,
  document: Omit<SnapshotDocument, 'components' | 'blocks'>,
  toSeal: ReadonlyMap<string, ComponentToSeal>,
): SealedSnapshot {
  const blocks = { tree: new Block(), content: new Block() }
  const components = new Map<string, StoredComponent>()
  const place = (chunks: InlineChunks, staged: ReadonlyMap<string, StagedChunk>): InlineChunks => {
    const all = new Map(chunks)
    for (const [chunk, { sort, bytes }] of staged)
      all.set(chunk, { sort, holder: id, length: bytes.length, offset: blocks[sort].place(chunk, bytes) })
    return all
  }
  for (const [name, { record, chunks, staged, hints, stagedHints = new Map() }] of toSeal) {
    const all = place(chunks, staged)
    const inlinedIn = all.get(record.root)?.holder
    components.set(name, {
      record: { ...record, ...(inlinedIn !== undefined && { inlinedIn }) },
      chunks: all,
      ...(hints && { hints: { root: hints.root, chunks: place(hints.chunks, stagedHints) } }),
    })
  }
  const whole: SnapshotDocument = {
    ...document,
    components,
    blocks: { tree: blocks.tree.length, content: blocks.content.length },
  }
  const where = snapshotPlace(context, id)
  const records = [
    encodeSnapshotDocument(id, whole),
    blocks.tree.encode(),
    sealContent(context, where.path, blocks.content),
  ]
  return { bytes: sealObject({ ...where, records, random: context.platform.random }), document: whole }
}

/** An opened snapshot. Its inlined chunks are unpacked when the first one is asked for. */
export class LoadedSnapshot {
  readonly id: SnapshotId
  /** SHA-256 of the sealed object, hex. */
  readonly digest: string
  readonly document: SnapshotDocument
  readonly #context: SliceContext
  readonly #records: readonly Buffer[]
  readonly #blocks = new Map<ChunkSort, Buffer>()

  /** @throws TorikiError `seal-broken`, `format-newer`. */
  constructor(context: SliceContext, id: SnapshotId, bytes: Buffer) {
    const place = snapshotPlace(context, id)
    this.id = id
    this.#context = context
    this.#records = openObject({ ...place, bytes })
    this.digest = createHash('sha256').update(bytes).digest('hex')
    this.document = decodeSnapshotDocument(this.#records[0], place.path, id)
  }

  /** @throws TorikiError `content-locked` without the private key, `seal-broken`. */
  chunk({ sort, offset, length }: InlineChunk): Buffer {
    let block = this.#blocks.get(sort)
    if (block === undefined) {
      block = sort === 'tree' ? this.#unpack(this.#records[1], this.document.blocks.tree) : this.#openContent()
      this.#blocks.set(sort, block)
    }
    if (offset + length > block.length) throw new TorikiError('seal-broken', { ids: { snapshot: this.id } })
    return block.subarray(offset, offset + length)
  }

  #openContent(): Buffer {
    const { contentPrivateKey } = this.#context.keys
    if (contentPrivateKey === undefined) throw new TorikiError('content-locked')
    const record = this.#records[2] ?? Buffer.alloc(0)
    const { path } = snapshotPlace(this.#context, this.id)
    if (record.length < KEY_BYTES) throw new TorikiError('seal-broken', { ids: { object: path } })
    const parentKey = decapsulate(record.subarray(0, KEY_BYTES), contentPrivateKey, inlineInfo(path))
    const [packed] = openObject({ parentKey, kind: 'inline-content', path, bytes: record.subarray(KEY_BYTES) })
    return this.#unpack(packed, this.document.blocks.content)
  }

  #unpack(packed: Buffer | undefined, plainBytes: number): Buffer {
    if (packed === undefined || plainBytes > INLINE_BLOCK_BYTES_MAX) {
      throw new TorikiError('seal-broken', { ids: { snapshot: this.id } })
    }
    return plainBytes === 0 ? Buffer.alloc(0) : decodeBlock(packed, plainBytes)
  }
}

/** @throws TorikiError `snapshot-not-found`, `seal-broken`, `format-newer`. */
export async function loadSnapshot(context: SliceContext, id: SnapshotId): Promise<LoadedSnapshot> {
  let bytes: Buffer
  try {
    bytes = await context.platform.store.get(slicePath(context, 'snapshots', id), { bytesMax: OBJECT_BYTES_MAX })
  } catch (cause) {
    if (isTorikiError(cause, 'object-not-found'))
      throw new TorikiError('snapshot-not-found', { ids: { snapshot: id }, cause })
    throw cause
  }
  return new LoadedSnapshot(context, id, bytes)
}

/** SHA-256 of the sealed object, hex, also of one that does not open; `undefined` when it is gone. */
export async function digestOf(context: SliceContext, id: SnapshotId): Promise<string | undefined> {
  try {
    const path = slicePath(context, 'snapshots', id)
    const bytes = await context.platform.store.get(path, { bytesMax: OBJECT_BYTES_MAX })
    return createHash('sha256').update(bytes).digest('hex')
  } catch (error) {
    if (isTorikiError(error, 'object-not-found')) return undefined
    throw error
  }
}

export function sealCheckpoint(context: SliceContext, name: string, document: CheckpointDocument): Buffer {
  return sealObject({
    ...checkpointPlace(context, name),
    records: [encodeCheckpointDocument(document)],
    random: context.platform.random,
  })
}

/** @throws TorikiError `seal-broken`, `format-newer`, `object-not-found`. */
export async function loadCheckpoint(context: SliceContext, name: string): Promise<CheckpointDocument> {
  const place = checkpointPlace(context, name)
  const bytes = await context.platform.store.get(place.path, { bytesMax: OBJECT_BYTES_MAX })
  return decodeCheckpointDocument(openObject({ ...place, bytes })[0], place.path)
}

function snapshotPlace(context: SliceContext, id: SnapshotId): SealPlace {
  return { parentKey: context.keys.treeKey, kind: 'snapshot', path: slicePath(context, 'snapshots', id) }
}

function checkpointPlace(context: SliceContext, name: string): SealPlace {
  return { parentKey: context.keys.treeKey, kind: 'checkpoint', path: slicePath(context, 'checkpoints', name) }
}

function sealContent(context: SliceContext, path: string, block: Block): Buffer {
  if (block.length === 0) return Buffer.alloc(0)
  const random: Platform['random'] = context.platform.random
  const { enc, key } = encapsulate(context.keys.contentPublicKey, inlineInfo(path), random)
  return Buffer.concat([
    enc,
    sealObject({ parentKey: key, kind: 'inline-content', path, records: [block.encode()], random }),
  ])
}

/** HPKE's `info`: an encapsulated key is good for one snapshot only. */
function inlineInfo(path: string): Buffer {
  return Buffer.from(`toriki content\0${path}`, 'utf8')
}

/** Chunks one behind the other, each once. */
class Block {
  readonly #offsets = new Map<string, number>()
  readonly #pieces: Buffer[] = []
  length = 0

  /** Where the chunk begins. */
  place(id: string, bytes: Buffer): number {
    const known = this.#offsets.get(id)
    if (known !== undefined) return known
    const offset = this.length
    this.#offsets.set(id, offset)
    this.#pieces.push(bytes)
    this.length += bytes.length
    return offset
  }

  encode(): Buffer {
    return this.length === 0
      ? Buffer.alloc(0)
      : Buffer.concat(encodeBlock(Buffer.concat(this.#pieces), COMPRESSION_LEVEL))
  }
}
