/** One component's map in the making: resources in, tree nodes and contents out, in one pass. Can begin with what an earlier part stored. */
import assert from 'node:assert/strict'
import { TorikiError } from '../errors.ts'
import { RESOURCE_KEY_BYTES_MAX } from './format.ts'
import { encodeAtOnce, encodeResource, StoredEntry } from './body.ts'
import { Notes } from './notes.ts'
import { PipelinedContent } from './pipelined-content.ts'
import { ReusingBuilder } from './reusing-builder.ts'
import { heightOf } from './tree-format.ts'
import { TreeReader } from './tree-reader.ts'
import type { ResourceKey } from '../resources/key.ts'
import type { Content, ContentPart, Resource } from '../resources/resource.ts'
import type { EncodedResource } from './body.ts'
import type { ChunkSource } from './chunk-store.ts'
import type { ComponentChunks } from './component-chunks.ts'
import type { ContentWriter } from './content-writer.ts'
import type { KnownMap, KnownValue } from './known-map.ts'
import type { StoreOptions } from './repository.ts'
import type { NodeStore } from './reusing-builder.ts'
import type { SliceContext } from './slice-context.ts'
import type { PartialComponent } from './snapshot-document.ts'
import type { ComponentRecord } from './snapshot.ts'

/** Progress is told after so many resources or bytes. */
const PROGRESS_RESOURCES = 200
const PROGRESS_BYTES = 4 * 1024 * 1024

export class ComponentWriter {
  readonly chunks: ComponentChunks
  /** Where the hints' nodes go. */
  readonly hintChunks: ComponentChunks
  readonly #context: SliceContext
  readonly #known: KnownMap | undefined
  readonly #hints: ReusingBuilder
  readonly #contents: ContentWriter
  readonly #signal: AbortSignal
  readonly #builder: ReusingBuilder
  readonly #notes = new Notes()
  #readAt: string
  #containers = 0
  #bytes = 0
  /** By this part alone, for progress and the run's sums. */
  #bytesRead = 0
  #told = { resources: 0, bytes: 0 }

  constructor(options: {
    readonly context: SliceContext
    readonly chunks: ComponentChunks
    readonly hintChunks: ComponentChunks
    readonly known: KnownMap | undefined
    readonly contents: ContentWriter
    readonly signal: AbortSignal
  }) {
    this.#context = options.context
    this.chunks = options.chunks
    this.hintChunks = options.hintChunks
    this.#known = options.known
    this.#contents = options.contents
    this.#signal = options.signal
    this.#builder = new ReusingBuilder(this.#context.formats.map, nodesIn(this.chunks))
    this.#hints = new ReusingBuilder(this.#context.formats.hints, nodesIn(this.hintChunks))
    this.#readAt = this.#context.platform.clock.now().toISOString()
  }

  get bytesRead(): number {
    return this.#bytesRead
  }

  get lastKey(): Buffer | undefined {
    return this.#builder.lastKey
  }

  /**
   * Begins with the map that an earlier part built: its entries come from stored nodes, and no content is read.
   * @throws TorikiError `capture-stale` when a chunk of it is gone; the signal's reason.
   */
  async replay(
    partial: PartialComponent,
    source: Pick<ChunkSource, 'get'>,
    hintSource: Pick<ChunkSource, 'get'>,
  ): Promise<void> {
    const { record, hints } = partial
    if (hints !== undefined) {
      const stored = new TreeReader(this.#context.formats.hints, hintSource)
      for await (const { key, value } of stored.entries(Buffer.from(hints.root, 'hex')))
        await this.#hints.add(key, value)
    }
    const keeping: Pick<ChunkSource, 'get'> = {
      get: async (sort, id) => {
        await this.chunks.keep(sort, id)
        return source.get(sort, id)
      },
    }
    const nodes = new TreeReader(this.#context.formats.map, source)
    for await (const { key, value } of nodes.entries(Buffer.from(record.root, 'hex'))) {
      throwIfAborted(this.#signal)
      for (const content of new StoredEntry({ key, value }, this.#context.formats, keeping).contents()) {
        for await (const { id } of content.extents()) if (id !== undefined) await this.chunks.keep('content', id)
      }
      await this.#builder.add(key, value)
    }
    if (this.#builder.entries !== record.resources || this.lastKey?.equals(partial.lastKey) !== true) {
      throw new TorikiError('seal-broken', { message: 'A checkpoint does not hold what it says.' })
    }
    this.#readAt = record.readAt
    this.#containers = record.containers
    this.#bytes = record.bytes
    this.#notes.merge(record.notes)
  }

  /**
   * Takes resources to the end. @throws TorikiError `source-unexpected` when they do not come in ascending order; the signal's reason; what `resources`
   * throws. What was taken before stays.
   */
  async take(
    resources: AsyncIterable<Resource | readonly Resource[]>,
    options: StoreOptions,
    bytesStored: () => number,
  ): Promise<void> {
    const first = this.#builder.entries
    const tell = (force: boolean): void => {
      const taken = this.#builder.entries - first
      const enough =
        taken - this.#told.resources >= PROGRESS_RESOURCES || this.#bytesRead - this.#told.bytes >= PROGRESS_BYTES
      if (!force && !enough) return
      this.#told = { resources: taken, bytes: this.#bytesRead }
      options.onProgress?.({ resources: taken, bytesRead: this.#bytesRead, bytesStored: bytesStored() })
    }
    throwIfAborted(this.#signal)
    for await (const some of resources) {
      throwIfAborted(this.#signal)
      for (const resource of Array.isArray(some) ? (some as readonly Resource[]) : [some as Resource]) {
        if (!this.#builder.isBehind(resource.key)) {
          throw new TorikiError('source-unexpected', { message: 'The source listed something twice or out of order.' })
        }
        if (resource.key.length > RESOURCE_KEY_BYTES_MAX) {
          throw new TorikiError('source-unexpected', { message: 'The source gave something a name beyond all bounds.' })
        }
        // Of what is known, or stored already, there is nothing to wait for: an answer at once saves a turn of the event loop for each.
        const known = resource.unchanged === true ? this.#takeKnown(resource.key) : undefined
        const encoded = known ?? this.#encodeAtOnce(resource) ?? (await this.#encode(resource, () => tell(false)))
        const adding = this.#add(resource, encoded, known, options)
        if (adding !== undefined) {
          await adding
          throwIfAborted(this.#signal)
        }
        tell(false)
      }
    }
    throwIfAborted(this.#signal)
    tell(true)
  }

  /** Ends the tree. The notes are those made by now. Once. */
  async finish(options: Pick<StoreOptions, 'notes' | 'source'>): Promise<ComponentRecord> {
    const { root, entries } = await this.#builder.finish()
    this.#notes.merge(options.notes.summaries())
    return {
      root: root.toString('hex'),
      resources: entries,
      containers: this.#containers,
      bytes: this.#bytes,
      notes: this.#notes.summaries(),
      ...(options.source && { source: options.source }),
      readAt: this.#readAt,
    }
  }

  #takeKnown(key: ResourceKey): KnownValue {
    assert(this.#known !== undefined, 'only what is known is unchanged')
    return this.#known.take(key)
  }

  #encodeAtOnce(resource: Resource): EncodedResource | undefined {
    const { stored } = resource
    const content = stored instanceof PipelinedContent ? stored : undefined
    if (content !== undefined && !this.chunks.isOpen) return undefined
    const encoded = encodeAtOnce(resource)
    if (encoded !== undefined && content !== undefined) this.#takeOver(content)
    return encoded
  }

  async #encode(resource: Resource, tell: () => void): Promise<EncodedResource> {
    const { content, stored } = resource
    if (stored instanceof PipelinedContent) {
      await this.chunks.open()
      this.#takeOver(stored)
    }
    const counted: Resource = content === undefined ? resource : { ...resource, content: this.#count(content, tell) }
    const { formats } = this.#context
    return await encodeResource(counted, { formats, writer: this.#contents, sink: this.chunks })
  }

  #takeOver(content: PipelinedContent): void {
    this.chunks.takeOver(content)
    this.#bytesRead += content.storedBytes
  }

  /** Both trees have the same keys, and so the same heights. */
  #add(
    resource: Resource,
    { value, contentBytes }: EncodedResource,
    known: KnownValue | undefined,
    options: StoreOptions,
  ): Promise<void> | undefined {
    const { key } = resource
    this.#bytes += contentBytes
    if (options.isContainer?.(key) === true) this.#containers++
    if (known !== undefined) {
      const adding = this.#builder.again(known.leaf, known.at)
      const hinting = this.#hints.again(known.hintLeaf, known.hintAt)
      return adding === undefined || hinting === undefined ? (adding ?? hinting) : adding.then(() => hinting)
    }
    const bytes = resource.hint?.()
    const { boundaryKey } = this.#context.formats.map
    const height = heightOf(boundaryKey, key)
    const adding = this.#builder.add(key, value, height)
    if (bytes === undefined) return adding
    const hint = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const hinting = this.#hints.add(key, hint, height)
    return adding === undefined || hinting === undefined ? (adding ?? hinting) : adding.then(() => hinting)
  }

  /** Root of the hints; `undefined` when there is none. Once, after `finish`. */
  async finishHints(): Promise<string | undefined> {
    if (this.#hints.entries === 0) return undefined
    return (await this.#hints.finish()).root.toString('hex')
  }

  #count(content: Content, tell: () => void): Content {
    const { settle } = content
    return {
      parts: () => this.#countParts(content.parts(), tell),
      ...(settle && { settle: () => settle.call(content) }),
    }
  }

  async *#countParts(parts: AsyncIterable<ContentPart>, tell: () => void): AsyncGenerator<ContentPart> {
    for await (const part of parts) {
      throwIfAborted(this.#signal)
      if (!('holeBytes' in part)) this.#bytesRead += part.length
      yield part
      tell()
    }
  }
}

function nodesIn(chunks: ComponentChunks): NodeStore {
  return {
    put: (node) => chunks.put('tree', node),
    canName: (leaf) => chunks.canName(leaf),
    name: (leaf) => chunks.name(leaf),
  }
}

/** @throws the signal's reason, if that is an error of ours, else `interrupted`. */
export function throwIfAborted(signal: AbortSignal): void {
  if (!signal.aborted) return
  if (signal.reason instanceof TorikiError) throw signal.reason
  throw new TorikiError('interrupted', { cause: signal.reason })
}
