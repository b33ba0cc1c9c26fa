/**
 * Stores contents: cuts bytes into chunks, keeps holes as extents, and lists the extents of a long content in a tree of their own. What comes out
 * depends on the bytes and holes alone, never on the parts they came in. Holds one chunk and one list node per level.
 */
import { TorikiError } from '../errors.ts'
import { encodeContent, encodeExtent, INLINE_EXTENTS_MAX, offsetKey } from './content-codec.ts'
import { TreeBuilder } from './tree-builder.ts'
import type { ContentPart } from '../resources/resource.ts'
import type { ChunkSink } from './chunk-store.ts'
import type { Extent } from './content-codec.ts'
import type { TreeFormat } from './tree-format.ts'

/** Cutting begins anew at every multiple of this offset, so that the parts of one long file can be cut side by side. */
export const CONTENT_SEGMENT_BYTES = 64 * 1024 * 1024

/** Where the bytes of one run of data are cut. */
export interface Cutting {
  /** No chunk is longer. */
  readonly chunkBytesMax: number
  /** Length of the first chunk of `bytes`, which are `chunkBytesMax` long or longer, or end where the run of data ends. */
  cut(bytes: Buffer): number
}

export interface WrittenContent {
  /** As it stands in an entry. */
  readonly encoded: Buffer
  /** Holes included. */
  readonly sizeBytes: number
  /** Holes not counted. */
  readonly dataBytes: number
}

type Sink = Pick<ChunkSink, 'put'>

export class ContentWriter {
  readonly #cutting: Cutting
  readonly #listFormat: TreeFormat
  /** Bytes of the current run of data that are not cut yet: [start, end). */
  #buffer = Buffer.allocUnsafe(256 * 1024)
  #start = 0
  #end = 0

  constructor(cutting: Cutting, listFormat: TreeFormat) {
    this.#cutting = cutting
    this.#listFormat = listFormat
  }

  /** Stores one content; not for use by two at once. `check` is called between parts and may throw to stop. */
  async write(sink: Sink, parts: AsyncIterable<ContentPart> | Iterable<ContentPart>, check: () => void = () => undefined): Promise<WrittenContent> {
    const extents = new ExtentCollector(sink, this.#listFormat)
    this.#start = this.#end = 0
    /** End of what was taken in: cut or not. */
    let offset = 0
    let holeBytes = 0
    const endHole = async (): Promise<void> => {
      if (holeBytes > 0) await extents.add({ length: holeBytes, id: undefined })
      holeBytes = 0
    }
    for await (const part of parts) {
      check()
      if ('holeBytes' in part) {
        if (!Number.isSafeInteger(offset + part.holeBytes) || part.holeBytes < 0) {
          throw new TorikiError('source-unexpected', { message: 'A file claims a size that cannot be.' })
        }
        if (part.holeBytes === 0) continue
        await this.#cutAll(sink, extents)
        holeBytes += part.holeBytes
        offset += part.holeBytes
        continue
      }
      for (let at = 0; at < part.length; ) {
        await endHole()
        const room = CONTENT_SEGMENT_BYTES - (offset % CONTENT_SEGMENT_BYTES)
        const piece = part.subarray(at, at + Math.min(room, this.#cutting.chunkBytesMax))
        this.#append(piece)
        at += piece.length
        offset += piece.length
        if (piece.length === room) await this.#cutAll(sink, extents)
        else while (this.#end - this.#start >= this.#cutting.chunkBytesMax) await this.#cutOne(sink, extents)
      }
    }
    await this.#cutAll(sink, extents)
    await endHole()
    return extents.finish()
  }

  #append(piece: Uint8Array): void {
    if (this.#end + piece.length > this.#buffer.length) {
      const held = this.#buffer.subarray(this.#start, this.#end)
      const needed = held.length + piece.length
      // Twice what is needed, so that the held bytes are moved seldom.
      const target = needed * 2 > this.#buffer.length ? Buffer.allocUnsafe(needed * 2) : this.#buffer
      target.set(held, 0)
      this.#buffer = target
      this.#start = 0
      this.#end = held.length
    }
    this.#buffer.set(piece, this.#end)
    this.#end += piece.length
  }

  async #cutAll(sink: Sink, extents: ExtentCollector): Promise<void> {
    while (this.#end > this.#start) await this.#cutOne(sink, extents)
    this.#start = this.#end = 0
  }

  async #cutOne(sink: Sink, extents: ExtentCollector): Promise<void> {
    const bytes = this.#buffer.subarray(this.#start, this.#end)
    const chunk = bytes.subarray(0, this.#cutting.cut(bytes))
    await extents.add({ length: chunk.length, id: await sink.put('content', chunk) })
    this.#start += chunk.length
  }
}

/** The extents of one content: in memory up to 16, then as a list tree. */
class ExtentCollector {
  readonly #sink: Sink
  readonly #format: TreeFormat
  readonly #inline: Extent[] = []
  #list: TreeBuilder | undefined
  #sizeBytes = 0
  #dataBytes = 0

  constructor(sink: Sink, format: TreeFormat) {
    this.#sink = sink
    this.#format = format
  }

  async add(extent: Extent): Promise<void> {
    if (this.#list === undefined && this.#inline.length === INLINE_EXTENTS_MAX) {
      this.#list = new TreeBuilder(this.#format, (node) => this.#sink.put('tree', node))
      let end = 0
      for (const earlier of this.#inline) await this.#list.add(offsetKey((end += earlier.length)), encodeExtent(earlier))
    }
    this.#sizeBytes += extent.length
    if (extent.id !== undefined) this.#dataBytes += extent.length
    if (this.#list === undefined) this.#inline.push(extent)
    else await this.#list.add(offsetKey(this.#sizeBytes), encodeExtent(extent))
  }

  async finish(): Promise<WrittenContent> {
    const [sizeBytes, dataBytes] = [this.#sizeBytes, this.#dataBytes]
    const extents = this.#list === undefined ? this.#inline : (await this.#list.finish()).root
    return { encoded: encodeContent({ sizeBytes, extents }), sizeBytes, dataBytes }
  }
}
