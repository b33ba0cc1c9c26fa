/**
 * The two halves of the repository meet here. Below: chunks in sealed packs with an index (`chunker`, `seal`, `pack-writer`, `pack-reader`,
 * `chunk-index`). Above: trees, contents, snapshots, commits (`tree`, `content`, `capture`, `slice-repository`). Above never sees a pack.
 */
import type { KeyObject } from 'node:crypto'

/** Keyed digest of a chunk's plaintext: 32 bytes. The same bytes have the same id within one generation, whatever the sort. */
export type ChunkId = Buffer
/** `content` is sealed to the content public key, `tree` under the tree sealing key. */
export type ChunkSort = 'content' | 'tree'

/** Everything derived from a slice's tree secret, and the content key pair. Made by `keys.ts`. */
export interface SliceKeys {
  readonly chunkIdKey: Buffer
  readonly boundaryKey: Buffer
  readonly gearKey: Buffer
  readonly treeKey: KeyObject
  /** Raw X25519 public key, 32 bytes. */
  readonly contentPublicKey: Buffer
  /** Only where the role may unwrap purpose `content`. */
  readonly contentPrivateKey: Buffer | undefined
}

export interface ChunkSink {
  /** The id `bytes` would get; stores nothing. */
  idOf(bytes: Uint8Array): ChunkId
  /** Is it stored already (in a pack that is not condemned), or added to this sink before? */
  has(id: ChunkId): boolean
  /** Stores the chunk unless it is known; `bytes` may be reused by the caller afterwards. Packs go out as they fill. */
  put(sort: ChunkSort, bytes: Uint8Array): Promise<ChunkId>
  /** Writes the packs begun, then one index object for all packs since the last flush, and names it; `undefined` when nothing was added. */
  flush(): Promise<string | undefined>
  /** Every pack written so far, for checkpoints. */
  readonly packs: readonly { readonly sort: ChunkSort; readonly packId: string }[]
  readonly stored: { readonly bytes: number; readonly objects: number }
  /** Which pack a known chunk lies in, for the second look at what is condemned; `sort`: a pack of that sort alone. */
  packOf(id: ChunkId, sort?: ChunkSort): string | undefined
  /** The same of a chunk whose id stands at `idAt` of a longer row. */
  packOfAt(row: Buffer, idAt: number): string | undefined
}

/** A chunk that is in memory already, proven; `undefined`: ask `get`. Never throws for what is stored. */
export interface ReadyChunks {
  ready?(sort: ChunkSort, id: ChunkId): Buffer | undefined
}

export interface ChunkSource extends ReadyChunks {
  /** @throws TorikiError `seal-broken` (damaged or swapped), `object-not-found`, `content-locked` (a content chunk without the private key). */
  get(sort: ChunkSort, id: ChunkId): Promise<Buffer>
  has(id: ChunkId): boolean
}
