/** Reads contents back, whole or in part. Holds one chunk and one list node per level. */
import { TorikiError } from '../errors.ts'
import { decodeExtent, encodeContent, offsetKey } from './content-codec.ts'
import { keyedDigest } from './keyed-digest.ts'
import { TreeReader } from './tree-reader.ts'
import type { ContentPart } from '../resources/resource.ts'
import type { ChunkSource } from './chunk-store.ts'
import type { ContentShape, Extent } from './content-codec.ts'
import type { ContentReference } from './repository.ts'
import type { TreeFormats } from './tree-format.ts'

const SHORT_BYTES_MAX = 1024 * 1024

/** A content as an entry names it, together with where its chunks are found. */
export class StoredContent implements ContentReference {
  readonly sizeBytes: number
  #digest: string | undefined
  readonly #shape: ContentShape
  readonly #formats: TreeFormats
  readonly #source: Pick<ChunkSource, 'get' | 'ready'>

  constructor(shape: ContentShape, formats: TreeFormats, source: Pick<ChunkSource, 'get' | 'ready'>) {
    this.sizeBytes = shape.sizeBytes
    this.#shape = shape
    this.#formats = formats
    this.#source = source
  }

  /** Made when it is asked for: who brings content back compares nothing. */
  get digest(): string {
    return (this.#digest ??= contentDigest(this.#formats.digestKey, encodeContent(this.#shape)).toString('hex'))
  }

  /** As the entry names it: its extents, or the root of their list. */
  get shape(): ContentShape {
    return this.#shape
  }

  /** The extents, from the one that holds `offset` on, each with the offset where it begins. */
  async *extents(offset = 0): AsyncGenerator<Extent & { readonly offset: number }> {
    let begin = 0
    if (!Buffer.isBuffer(this.#shape.extents)) {
      for (const extent of this.#shape.extents) {
        if (begin + extent.length > offset) yield { ...extent, offset: begin }
        begin += extent.length
      }
      return
    }
    const list = new TreeReader(this.#formats.list, this.#source)
    let expected: number | undefined
    for await (const { key, value } of list.entries(this.#shape.extents, { from: offsetKey(offset + 1) })) {
      const extent = decodeExtent(value)
      const end = key.length === 8 ? Number(key.readBigUInt64BE()) : Number.NaN
      begin = end - extent.length
      if (!Number.isSafeInteger(end) || begin < 0 || begin !== (expected ?? begin) || end > this.sizeBytes)
        throw broken()
      if (expected === undefined && begin > offset) throw broken()
      yield { ...extent, offset: begin }
      expected = end
    }
    if (offset < this.sizeBytes && expected !== this.sizeBytes) throw broken()
  }

  /** The bytes and holes of the range; what lies beyond the end is left out. @throws TorikiError `content-locked`, `seal-broken`, `object-not-found`. */
  async *parts(
    range: { readonly offset: number; readonly length: number } = { offset: 0, length: this.sizeBytes },
  ): AsyncGenerator<ContentPart> {
    const end = Math.min(range.offset + range.length, this.sizeBytes)
    if (range.offset >= end) return
    for await (const { offset, length, id } of this.extents(range.offset)) {
      if (offset >= end) return
      const [from, to] = [Math.max(range.offset - offset, 0), Math.min(end - offset, length)]
      if (id === undefined) {
        yield { holeBytes: to - from }
        continue
      }
      const chunk = await this.#source.get('content', id)
      if (chunk.length !== length) throw broken()
      yield chunk.subarray(from, to)
    }
  }

  /**
   * All of a content that is short, in few parts: at once where its chunks are in memory, else when they are. `undefined`: it is not short, or cannot be read; why not, `parts` says.
   */
  shortParts(): readonly ContentPart[] | Promise<readonly ContentPart[] | undefined> | undefined {
    const { extents } = this.#shape
    if (this.sizeBytes > SHORT_BYTES_MAX || Buffer.isBuffer(extents)) return undefined
    const parts: ContentPart[] = []
    for (const { id, length } of extents) {
      const part = id === undefined ? { holeBytes: length } : this.#source.ready?.('content', id)
      if (part === undefined) return this.#fetched(extents)
      if (part instanceof Uint8Array && part.length !== length) return undefined
      parts.push(part)
    }
    return parts
  }

  async #fetched(extents: readonly Extent[]): Promise<readonly ContentPart[] | undefined> {
    try {
      const parts: readonly ContentPart[] = await Promise.all(
        extents.map(async ({ id, length }) =>
          id === undefined ? { holeBytes: length } : await this.#source.get('content', id),
        ),
      )
      const fits = parts.every((part, at) => !(part instanceof Uint8Array) || part.length === extents[at]?.length)
      return fits ? parts : undefined
    } catch {
      return undefined // whoever asks for `parts` is told
    }
  }

  /** The whole content in memory, which may not be longer than `bytesMax`. */
  async bytes(bytesMax: number): Promise<Buffer> {
    if (this.sizeBytes > bytesMax)
      throw new TorikiError('object-too-large', { message: 'A stored body is larger than anything we write.' })
    const pieces: Uint8Array[] = []
    for await (const part of this.parts()) pieces.push('holeBytes' in part ? Buffer.alloc(part.holeBytes) : part)
    return Buffer.concat(pieces)
  }
}

/** Equal for equal bytes with equal holes, whatever the parts they came in. */
export function contentDigest(digestKey: Buffer, encoded: Buffer): Buffer {
  return keyedDigest(digestKey, 'content', encoded)
}

function broken(): TorikiError {
  return new TorikiError('seal-broken', { message: 'The stored extents of a content do not fit together.' })
}
