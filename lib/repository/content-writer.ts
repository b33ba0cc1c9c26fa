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
import type { PipelinedChunk } from './pipelined-content.ts'
import type { TreeFormat } from './tree-format.ts'

/** Cuts one stretch of data after another: `Chunker` outside tests. Chunks are views, each good until the next one is asked for. */
export interface Cutter {
  /** Begins another stretch, whose first byte has this offset in the content. */
  restart(offset?: number): void
  /** The chunks that end in `bytes`, which may be reused afterwards. */
  push(bytes: Buffer): Iterable<Buffer>
  /** The last chunk of the stretch. */
  finish(): Buffer | undefined
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
  readonly #cutter: Cutter
  readonly #listFormat: TreeFormat

  constructor(cutter: Cutter, listFormat: TreeFormat) {
    this.#cutter = cutter
    this.#listFormat = listFormat
  }

  /** Stores one content; not for use by two at once. What `parts` throws comes through. */
  async write(sink: Sink, parts: AsyncIterable<ContentPart> | Iterable<ContentPart>): Promise<WrittenContent> {
    const extents = new ExtentCollector(sink, this.#listFormat)
    this.#cutter.restart(0)
    /** End of what was taken in. */
    let offset = 0
    /** The hole that ends there, or 0 after data. */
    let holeBytes = 0
    for await (const part of parts) {
      const length = 'holeBytes' in part ? part.holeBytes : part.length
      if (length === 0) continue
      if (length < 0 || !Number.isSafeInteger(offset + length)) {
        throw new TorikiError('source-unexpected', { message: 'A file claims a size that cannot be.' })
      }
      if ('holeBytes' in part) {
        if (holeBytes === 0) await this.#endData(sink, extents)
        holeBytes += length
      } else {
        if (holeBytes > 0) {
          await extents.add({ length: holeBytes, id: undefined })
          this.#cutter.restart(offset)
          holeBytes = 0
        }
        const bytes = Buffer.from(part.buffer, part.byteOffset, part.byteLength)
        for (const chunk of this.#cutter.push(bytes)) await addData(sink, extents, chunk)
      }
      offset += length
    }
    if (holeBytes > 0) await extents.add({ length: holeBytes, id: undefined })
    else await this.#endData(sink, extents)
    return extents.finish()
  }

  /** Names a content whose chunks are stored already. */
  async name(sink: Sink, chunks: Iterable<PipelinedChunk>): Promise<WrittenContent> {
    const extents = new ExtentCollector(sink, this.#listFormat)
    for (const { id, lengthBytes: length } of chunks) await extents.add({ length, id })
    return extents.finish()
  }

  async #endData(sink: Sink, extents: ExtentCollector): Promise<void> {
    const chunk = this.#cutter.finish()
    if (chunk !== undefined) await addData(sink, extents, chunk)
  }
}

async function addData(sink: Sink, extents: ExtentCollector, chunk: Buffer): Promise<void> {
  const { length } = chunk
  await extents.add({ length, id: await sink.put('content', chunk) })
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
      for (const earlier of this.#inline)
        await this.#list.add(offsetKey((end += earlier.length)), encodeExtent(earlier))
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
