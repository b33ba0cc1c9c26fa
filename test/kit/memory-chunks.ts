/** Chunks in a map: a sink and source for the tests of what lies above packs. Counts what it is asked. */
import { hash } from 'node:crypto'
import { TorikiError } from '../../lib/errors.ts'
import type { ChunkId, ChunkSink, ChunkSort, ChunkSource } from '../../lib/repository/chunk-store.ts'

export class MemoryChunks implements ChunkSink, ChunkSource {
  readonly key: Buffer
  readonly chunks = new Map<string, { readonly sort: ChunkSort; readonly bytes: Buffer }>()
  readonly packs: readonly [] = []
  readonly stored = { bytes: 0, objects: 0 }
  /** Chunks handed out by `get`. */
  gets = 0
  /** Ids of the chunks put since the last `forgetPuts` that were new. */
  puts: string[] = []

  constructor(key: Buffer = Buffer.alloc(32, 7)) {
    this.key = key
  }

  idOf(bytes: Uint8Array): ChunkId {
    return hash('sha256', Buffer.concat([this.key, bytes]), 'buffer')
  }

  has(id: ChunkId): boolean {
    return this.chunks.has(id.toString('hex'))
  }

  put(sort: ChunkSort, bytes: Uint8Array): Promise<ChunkId> {
    const id = this.idOf(bytes)
    if (!this.has(id)) {
      this.chunks.set(id.toString('hex'), { sort, bytes: Buffer.from(bytes) })
      this.puts.push(id.toString('hex'))
      this.stored.bytes += bytes.length
    }
    return Promise.resolve(id)
  }

  forgetPuts(): void {
    this.puts = []
  }

  flush(): Promise<string | undefined> {
    return Promise.resolve(undefined)
  }

  packOfAt(): string | undefined {
    return undefined
  }

  packOf(): string | undefined {
    return undefined
  }

  get(sort: ChunkSort, id: ChunkId): Promise<Buffer> {
    const chunk = this.chunks.get(id.toString('hex'))
    if (chunk?.sort !== sort) return Promise.reject(new TorikiError('object-not-found'))
    this.gets++
    return Promise.resolve(Buffer.from(chunk.bytes))
  }
}
