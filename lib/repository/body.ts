/**
 * A resource as the value of a tree entry, and back (docs/format.md, "Tree").
 *
 * ```
 * value    flags 1 ‖ body ‖ [content] ‖ [secrets]          flags: 1 long body, 2 kept, 4 content, 8 secrets
 * body     short: state counted ‖ [kept counted]           canonical JSON
 *          long:  digest 32 ‖ content ‖ [digest 32 ‖ content]
 * secrets  count varint ‖ count × (name counted ‖ content) names ascending
 * ```
 */
import assert from 'node:assert/strict'
import { TorikiError } from '../errors.ts'
import { canonicalJson } from '../resources/json.ts'
import { isResourceKey } from '../resources/key.ts'
import { ByteReader, ByteWriter } from './byte-codec.ts'
import {
  INLINE_EXTENTS_MAX,
  eachInlineExtent,
  readContentShape,
  encodeContent,
  writeInlineData,
} from './content-codec.ts'
import { StoredContent } from './content-reader.ts'
import { keyedDigest } from './keyed-digest.ts'
import { CHUNK_ID_BYTES, JSON_DEPTH_MAX } from './format.ts'
import { depthOf, parseJson } from './parse-json.ts'
import { PipelinedContent } from './pipelined-content.ts'
import type { JsonObject } from '../resources/json.ts'
import type { Resource } from '../resources/resource.ts'
import type { ChunkSink, ChunkSource } from './chunk-store.ts'
import type { ContentShape } from './content-codec.ts'
import type { ContentWriter } from './content-writer.ts'
import type { TreeEntry } from './node-codec.ts'
import type { StoredResource } from './repository.ts'
import type { TreeFormats } from './tree-format.ts'

/** `state` and `kept` together may be so long before they leave the tree. */
const BODY_BYTES_IN_TREE_MAX = 4096
/** A text of so many characters fits in it and is not nested too deep: a character has three bytes at most, a level two characters at least. */
const SURELY_SHORT = Math.min(Math.floor(BODY_BYTES_IN_TREE_MAX / 3), 2 * JSON_DEPTH_MAX)
/** Nobody's realm or user comes near; a longer body is refused rather than held in memory. */
export const BODY_BYTES_MAX = 16 * 1024 * 1024

const LONG = 1
const KEPT = 2
const CONTENT = 4
const SECRETS = 8

export interface EncodedResource {
  readonly value: Buffer
  /** Plaintext bytes of content, holes not counted; secrets and bodies are not content. */
  readonly contentBytes: number
}

/** Stores content, secrets and a long body in `sink`, and gives the entry's value. */
export async function encodeResource(
  resource: Resource,
  {
    formats,
    writer,
    sink,
  }: { readonly formats: TreeFormats; readonly writer: ContentWriter; readonly sink: Pick<ChunkSink, 'put'> },
): Promise<EncodedResource> {
  const { stored } = resource
  assert(stored === undefined || stored instanceof PipelinedContent, 'a stored content is one of ours')
  const content =
    stored === undefined
      ? resource.content && (await writer.write(sink, resource.content.parts()))
      : await writer.name(sink, stored.chunks())
  const settled = resource.content?.settle?.()
  const state = jsonBytes(settled === undefined ? resource.state : { ...resource.state, ...settled })
  const kept =
    resource.kept !== undefined && Object.keys(resource.kept).length > 0 ? jsonBytes(resource.kept) : undefined
  const secrets = Object.entries(resource.secrets ?? {})
    .map(([name, text]) => [Buffer.from(name, 'utf8'), text] as const)
    .sort(([a], [b]) => Buffer.compare(a, b))
  const long = state.length + (kept?.length ?? 0) > BODY_BYTES_IN_TREE_MAX

  const value = new ByteWriter()
  value.byte((long ? LONG : 0) | (kept ? KEPT : 0) | (content ? CONTENT : 0) | (secrets.length > 0 ? SECRETS : 0))
  for (const part of kept === undefined ? [state] : [state, kept]) {
    if (long) value.raw(bodyDigest(formats, part)).raw((await writer.write(sink, [part])).encoded)
    else value.counted(part)
  }
  if (content) value.raw(content.encoded)
  if (secrets.length > 0) value.varint(secrets.length)
  for (const [name, text] of secrets)
    value.counted(name).raw((await writer.write(sink, [Buffer.from(text, 'utf8')])).encoded)
  return { value: value.bytes(), contentBytes: content?.dataBytes ?? 0 }
}

/**
 * The same of a resource that has no content, or one that is stored already and needs no list, no secrets, and a short body: nothing is stored for it, and there is nothing to wait
 * for. Its value is good until the next one is encoded. `undefined`: it is not such a one.
 */
export function encodeAtOnce({ state, kept, content, stored, secrets }: Resource): EncodedResource | undefined {
  assert(stored === undefined || stored instanceof PipelinedContent, 'a stored content is one of ours')
  if (content !== undefined || secrets !== undefined) return undefined
  if (stored !== undefined && stored.chunkCount > INLINE_EXTENTS_MAX) return undefined
  if (kept !== undefined && Object.keys(kept).length > 0) return undefined
  const json = canonicalJson(state)
  const long = json.length <= SURELY_SHORT ? undefined : checkedBytes(json)
  if (long !== undefined && long.length > BODY_BYTES_IN_TREE_MAX) return undefined
  scratch.clear()
  scratch.byte(stored === undefined ? 0 : CONTENT)
  if (long === undefined) scratch.countedText(json)
  else scratch.counted(long)
  if (stored !== undefined) writeInlineData(scratch, stored)
  return { value: scratch.view(), contentBytes: stored?.storedBytes ?? 0 }
}

/** For what is written from end to end at once: one per entry would be a lot of garbage. */
const scratch = new ByteWriter()

/** A resource read from a tree; `longState` and `longKept` stand where the body was too long for it. */
export class StoredEntry implements StoredResource {
  readonly key: Buffer
  readonly state: JsonObject | undefined
  readonly kept: JsonObject | undefined
  readonly #formats: TreeFormats
  /** Of the short body, or its digest when it is long. */
  readonly #body: Buffer | { readonly digest: Buffer }
  #stateDigest: string | undefined
  declare readonly content?: StoredContent
  readonly secrets: Readonly<Record<string, StoredContent>>
  /** The same by their names as they are stored. */
  readonly #secrets: readonly (readonly [name: Buffer, secret: StoredContent])[]
  readonly #longState: StoredContent | undefined
  readonly #longKept: StoredContent | undefined

  /** @throws TorikiError `seal-broken`. */
  constructor({ key, value }: TreeEntry, formats: TreeFormats, source: Pick<ChunkSource, 'get' | 'ready'>) {
    const reader = new ByteReader(value, 'entry')
    if (!isResourceKey(key)) throw reader.malformed()
    this.key = key
    const flags = reader.byte()
    if (flags > 15) throw reader.malformed()
    this.#formats = formats
    if ((flags & LONG) === 0) {
      const state = reader.counted()
      this.#body = state
      this.state = parseObject(state)
      this.kept = (flags & KEPT) === 0 ? {} : parseObject(reader.counted())
    } else {
      this.#body = { digest: reader.raw(CHUNK_ID_BYTES) }
      this.#longState = readContent(reader, formats, source)
      if ((flags & KEPT) !== 0) {
        reader.raw(CHUNK_ID_BYTES)
        this.#longKept = readContent(reader, formats, source)
      }
    }
    if ((flags & CONTENT) !== 0) this.content = readContent(reader, formats, source)
    this.#secrets = (flags & SECRETS) === 0 ? NO_SECRETS : readSecrets(reader, formats, source)
    this.secrets =
      this.#secrets === NO_SECRETS
        ? NONE
        : Object.fromEntries(this.#secrets.map(([name, secret]) => [name.toString('utf8'), secret]))
    reader.end()
  }

  /** Made when it is asked for. */
  get stateDigest(): string {
    return (this.#stateDigest ??= this.#digestOfState())
  }

  #digestOfState(): string {
    const digest = Buffer.isBuffer(this.#body) ? bodyDigest(this.#formats, this.#body) : this.#body.digest
    const content = this.content === undefined ? Buffer.alloc(0) : encodeContent(this.content.shape)
    const secrets = this.#secrets.flatMap(([name, { shape }]) => [name, encodeContent(shape)])
    return keyedDigest(this.#formats.digestKey, 'state', digest, content, ...secrets).toString('hex')
  }

  /** Every content the entry names: what must be there for it to be whole. */
  *contents(): Generator<StoredContent> {
    for (const one of [this.#longState, this.#longKept, this.content, ...Object.values(this.secrets)])
      if (one) yield one
  }

  /** `state` and `kept` whole. @throws TorikiError `content-locked` where they are content and this role may not open it. */
  async body(): Promise<{ readonly state: JsonObject; readonly kept: JsonObject }> {
    const whole = async (part: JsonObject | undefined, long: StoredContent | undefined): Promise<JsonObject> =>
      part ?? (long === undefined ? {} : parseObject(await long.bytes(BODY_BYTES_MAX)))
    return { state: await whole(this.state, this.#longState), kept: await whole(this.kept, this.#longKept) }
  }
}

const NO_SECRETS: readonly (readonly [Buffer, StoredContent])[] = []
const NONE: Readonly<Record<string, StoredContent>> = Object.freeze({})

function readSecrets(
  reader: ByteReader,
  formats: TreeFormats,
  source: Pick<ChunkSource, 'get' | 'ready'>,
): readonly (readonly [Buffer, StoredContent])[] {
  const secrets: (readonly [Buffer, StoredContent])[] = []
  for (let left = reader.varint(); left > 0; left--)
    secrets.push([reader.counted(), readContent(reader, formats, source)])
  return secrets
}

function readContent(
  reader: ByteReader,
  formats: TreeFormats,
  source: Pick<ChunkSource, 'get' | 'ready'>,
): StoredContent {
  return new StoredContent(readContentShape(reader), formats, source)
}

/**
 * Of an entry with a short body and no secrets, whose content needs no list: tells where the id of each data chunk stands in `value`, as long as `take` says true, and gives the sum
 * of their lengths; −1 when `take` said no. `undefined`: it is another one. @throws TorikiError `seal-broken`.
 */
export function eachInlineChunk(value: Buffer, take: (idAt: number) => boolean): number | undefined {
  const flags = value[0]
  if (flags === undefined || (flags & ~(KEPT | CONTENT)) !== 0) return undefined
  const reader = new ByteReader(value, 'entry')
  reader.byte()
  for (let part = 0; part < ((flags & KEPT) === 0 ? 1 : 2); part++) reader.skip(reader.varint())
  const bytes = (flags & CONTENT) === 0 ? 0 : eachInlineExtent(reader, take)
  if (bytes !== undefined && bytes >= 0) reader.end()
  return bytes
}

/** The contents that an entry names: what must be there for it to be whole. The rest of it is looked at, and nothing made of it. @throws TorikiError `seal-broken`. */
export function checkEntry({ key, value }: TreeEntry): readonly ContentShape[] {
  const { content, others } = contentsOfValue(value, parseObject)
  if (!isResourceKey(key)) throw new TorikiError('seal-broken', { message: 'A stored entry is not well-formed.' })
  return content === undefined ? others : [content, ...others]
}

/** The contents that an entry names, without opening its body, which `onBody` is given where it stands here. @throws TorikiError `seal-broken`. */
export function contentsOfValue(
  value: Buffer,
  onBody?: (json: Buffer) => void,
): {
  readonly content: ContentShape | undefined
  /** Of a long body, and of secrets. */
  readonly others: readonly ContentShape[]
} {
  const reader = new ByteReader(value, 'entry')
  const flags = reader.byte()
  if (flags > 15) throw reader.malformed()
  const others: ContentShape[] = []
  for (let part = 0; part < ((flags & KEPT) === 0 ? 1 : 2); part++) {
    if ((flags & LONG) === 0) {
      const json = reader.counted()
      onBody?.(json)
    } else {
      reader.raw(CHUNK_ID_BYTES)
      others.push(readContentShape(reader))
    }
  }
  const content = (flags & CONTENT) === 0 ? undefined : readContentShape(reader)
  for (let left = (flags & SECRETS) === 0 ? 0 : reader.varint(); left > 0; left--) {
    reader.counted()
    others.push(readContentShape(reader))
  }
  reader.end()
  return { content, others }
}

function bodyDigest(formats: TreeFormats, json: Buffer): Buffer {
  return keyedDigest(formats.digestKey, 'body', json)
}

function jsonBytes(object: JsonObject): Buffer {
  return checkedBytes(canonicalJson(object))
}

function checkedBytes(json: string): Buffer {
  const bytes = Buffer.from(json, 'utf8')
  if (bytes.length > BODY_BYTES_MAX) {
    throw new TorikiError('source-unexpected', {
      message: 'A resource of the source is larger than 16 MiB, its content not counted.',
    })
  }
  if (depthOf(bytes) > JSON_DEPTH_MAX) {
    throw new TorikiError('source-unexpected', { message: 'A resource of the source is nested beyond reason.' })
  }
  return bytes
}

function parseObject(bytes: Buffer): JsonObject {
  let value: unknown
  try {
    value = parseJson(bytes)
  } catch (cause) {
    throw new TorikiError('seal-broken', { message: 'A stored body is not JSON.', cause })
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new TorikiError('seal-broken', { message: 'A stored body is not a JSON object.' })
  }
  return value as JsonObject
}
