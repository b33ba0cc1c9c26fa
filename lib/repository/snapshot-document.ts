/**
 * What stands in record 0 of a snapshot or checkpoint (docs/format.md, "Snapshot"): canonical JSON, checked and bounded when read. Members that this
 * version does not know are left alone.
 */
import * as z from 'zod'
import { canonicalJson } from '../resources/json.ts'
import { RANGES_MAX } from './format.ts'
import { parseDocument } from './sealed-json.ts'
import { parseSnapshotId } from './snapshot-id.ts'
import type { JsonObject } from '../resources/json.ts'
import type { ChunkSort } from './chunk-store.ts'
import type { ComponentRecord, MissingComponent, SnapshotId } from './snapshot.ts'

const count = z.int().min(0)
const digest = z.string().regex(/^[0-9a-f]{64}$/)
const snapshotId = z.string().refine((text) => parseSnapshotId(text) !== undefined)
const name = z.string().min(1).max(64)
const jsonObject = z.custom<JsonObject>((value) => typeof value === 'object' && value !== null && !Array.isArray(value))

const noteSchema = z.object({
  code: z.string(),
  message: z.string(),
  count,
  bytes: count.optional(),
  examples: z.array(z.string()),
})

const chunkSchema = z.object({
  id: digest,
  sort: z.enum(['content', 'tree']),
  /** The snapshot that physically holds it; this one when absent. */
  in: snapshotId.optional(),
  offset: count,
  length: z.int().min(1),
})

const recordSchema = z.object({
  root: digest,
  resources: count,
  containers: count,
  bytes: count,
  notes: z.array(noteSchema),
  source: jsonObject.optional(),
  suspect: z.string().optional(),
  readAt: z.iso.datetime(),
})

/** By what unchanged resources are told (docs/format.md, "Hints"). */
const hintsSchema = z.object({ root: digest, chunks: z.array(chunkSchema) })
const componentSchema = recordSchema.extend({ chunks: z.array(chunkSchema), hints: hintsSchema.optional() })

const captureSchema = z.object({
  time: z.iso.datetime(),
  /** When the first snapshot of the generation began. */
  since: z.iso.datetime(),
  /** Random: tells the writer of a lost answer that the winner is he himself. */
  writer: z.string().regex(/^[0-9a-f]{32}$/),
  parent: z.object({ id: snapshotId, digest }).optional(),
  /** Index objects written for it. */
  indexes: z.array(z.string().max(200)),
  /** The highest marks, and whether an owner was recorded, when it was made: so that losing them shows. */
  marks: z.int().min(1).optional(),
  owned: z.literal(true).optional(),
  components: z.record(name, componentSchema),
})

const snapshotSchema = captureSchema.extend({
  missing: z.array(z.object({ component: name, code: z.string() })),
  /** For each component that is not here, or not believed: the newest snapshot in which it is believed. */
  known: z.record(name, snapshotId),
  /** Plaintext bytes of the two blocks of inlined chunks. */
  blocks: z.object({ tree: count, content: count }),
})

/** How the rest of one component is read by several at once, each a range of its keys. */
const rangePlanSchema = z.object({
  id: z.string().regex(/^[0-9a-f]{32}$/),
  component: name,
  /** The last key that was read before it was divided; absent: nothing was. */
  after: z.base64url().optional(),
  /** Keys that end a range each, ascending; the last range has no end. */
  borders: z
    .array(z.base64url())
    .min(1)
    .max(RANGES_MAX - 1),
  of: jsonObject,
})

/** Whose range this is, and whether `partial` has all of it. */
const rangeSchema = z.object({
  plan: z.string().regex(/^[0-9a-f]{32}$/),
  number: z.int().min(1).max(RANGES_MAX),
  whole: z.boolean(),
})

const checkpointSchema = captureSchema.extend({
  /** Every pack that its chunks lie in. */
  packs: z.array(z.string().max(200)),
  /** The map of the component being read, as far as it came. */
  partial: recordSchema
    .omit({ suspect: true })
    .extend({ component: name, lastKey: z.base64url(), chunks: z.array(chunkSchema), hints: hintsSchema.optional() })
    .optional(),
  plan: rangePlanSchema.optional(),
  range: rangeSchema.optional(),
})

/** Where a chunk lies that stands in a snapshot object instead of a pack. */
export interface InlineChunk {
  readonly sort: ChunkSort
  /** The physical holder, never a chain. */
  readonly holder: SnapshotId
  readonly offset: number
  readonly length: number
}

/** By chunk id in hex. */
export type InlineChunks = ReadonlyMap<string, InlineChunk>

export interface StoredComponent {
  /** Without `inlinedIn`, which is the holder of the root. */
  readonly record: ComponentRecord
  readonly chunks: InlineChunks
  /** May be absent, and may be gone: nothing but speed depends on them. */
  readonly hints?: StoredHints | undefined
}

export interface StoredHints {
  /** Hex. */
  readonly root: string
  readonly chunks: InlineChunks
}

export interface CaptureDocument {
  readonly time: string
  readonly since: string
  readonly writer: string
  readonly parent: { readonly id: SnapshotId; readonly digest: string } | undefined
  readonly indexes: readonly string[]
  /** The highest marks when it was made; `undefined`: there were none. */
  readonly marks: number | undefined
  /** Was it recorded whose history this is? */
  readonly owned: boolean
  readonly components: ReadonlyMap<string, StoredComponent>
}

export interface SnapshotDocument extends CaptureDocument {
  readonly missing: readonly MissingComponent[]
  readonly known: ReadonlyMap<string, SnapshotId>
  readonly blocks: { readonly tree: number; readonly content: number }
}

export interface PartialComponent extends StoredComponent {
  readonly component: string
  readonly lastKey: Buffer
}

export interface CheckpointDocument extends CaptureDocument {
  readonly packs: readonly string[]
  readonly partial: PartialComponent | undefined
  /** What is not in `partial` of its component is read in ranges. */
  readonly plan?: RangePlan | undefined
  /** In a range's checkpoint: `partial` is of this range alone, and its last key is empty where nothing is in it. */
  readonly range?: { readonly plan: string; readonly number: number; readonly whole: boolean } | undefined
}

export interface RangePlan {
  /** Random; its ranges' checkpoints name it. */
  readonly id: string
  readonly component: string
  /** `partial` has everything up to this key. */
  readonly after?: Buffer | undefined
  readonly borders: readonly Buffer[]
  /** What is read, as the component tells it: ranges of something else do not join. */
  readonly of: JsonObject
}

export function encodeSnapshotDocument(id: SnapshotId, document: SnapshotDocument): Buffer {
  return json({
    ...captureJson(document, id),
    missing: document.missing.map(({ component, code }) => ({ component, code })),
    known: Object.fromEntries(document.known),
    blocks: { ...document.blocks },
  })
}

/** @throws TorikiError `seal-broken`. */
export function decodeSnapshotDocument(record: Buffer | undefined, path: string, id: SnapshotId): SnapshotDocument {
  const parsed = parseDocument(record, path, snapshotSchema)
  return {
    ...captureOf(parsed, id),
    missing: parsed.missing,
    known: new Map(Object.entries(parsed.known)),
    blocks: parsed.blocks,
  }
}

export function encodeCheckpointDocument(document: CheckpointDocument): Buffer {
  const { partial, plan, range } = document
  return json({
    ...captureJson(document),
    packs: document.packs,
    ...(partial && {
      partial: {
        ...componentJson(partial),
        component: partial.component,
        lastKey: partial.lastKey.toString('base64url'),
      },
    }),
    ...(plan && { plan: planJson(plan) }),
    ...(range && { range: { ...range } }),
  })
}

/** @throws TorikiError `seal-broken`. A checkpoint never holds chunks itself. */
export function decodeCheckpointDocument(record: Buffer | undefined, path: string): CheckpointDocument {
  const { packs, partial, plan, range, ...parsed } = parseDocument(record, path, checkpointSchema)
  return {
    ...captureOf(parsed),
    packs,
    partial: partial && {
      ...storedComponent(partial),
      component: partial.component,
      lastKey: Buffer.from(partial.lastKey, 'base64url'),
    },
    ...(plan && { plan: planOf(plan) }),
    ...(range && { range }),
  }
}

function planJson({ id, component, after, borders, of }: RangePlan): JsonObject {
  const text = (key: Buffer): string => key.toString('base64url')
  return { id, component, ...(after && { after: text(after) }), borders: borders.map(text), of }
}

function planOf({ after, borders, ...plan }: z.infer<typeof rangePlanSchema>): RangePlan {
  const key = (text: string): Buffer => Buffer.from(text, 'base64url')
  return { ...plan, ...(after !== undefined && { after: key(after) }), borders: borders.map(key) }
}

function captureJson(
  { time, since, writer, parent, indexes, marks, owned, components }: CaptureDocument,
  self?: SnapshotId,
): JsonObject {
  return {
    time,
    since,
    writer,
    ...(parent && { parent: { id: parent.id, digest: parent.digest } }),
    indexes,
    ...(marks !== undefined && { marks }),
    ...(owned && { owned }),
    components: Object.fromEntries(
      [...components].map(([component, stored]) => [component, componentJson(stored, self)]),
    ),
  }
}

function componentJson({ record, chunks, hints }: StoredComponent, self?: SnapshotId): JsonObject {
  const { inlinedIn: _, ...rest } = record
  return {
    ...rest,
    notes: rest.notes.map((note) => ({ ...note })),
    chunks: chunksJson(chunks, self),
    ...(hints && { hints: { root: hints.root, chunks: chunksJson(hints.chunks, self) } }),
  }
}

function chunksJson(chunks: InlineChunks, self: SnapshotId | undefined): JsonObject[] {
  return [...chunks]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([id, { sort, holder, offset, length }]) => ({
      id,
      sort,
      offset,
      length,
      ...(holder !== self && { in: holder }),
    }))
}

function captureOf(parsed: z.infer<typeof captureSchema>, self?: SnapshotId): CaptureDocument {
  const { time, since, writer, parent, indexes, marks, owned = false, components } = parsed
  const stored = Object.entries(components).map(([component, one]) => [component, storedComponent(one, self)] as const)
  return { time, since, writer, parent, indexes, marks, owned, components: new Map(stored) }
}

function storedComponent(
  parsed: Omit<z.infer<typeof componentSchema>, 'suspect'> & { readonly suspect?: string | undefined },
  self?: SnapshotId,
): StoredComponent {
  const { root, resources, containers, bytes, notes, source, suspect, readAt, hints } = parsed
  const chunks = chunksOf(parsed.chunks, self)
  const inlinedIn = chunks.get(root)?.holder
  const record: ComponentRecord = {
    root,
    resources,
    containers,
    bytes,
    notes: notes.map(({ bytes: noteBytes, ...note }) => ({
      ...note,
      ...(noteBytes !== undefined && { bytes: noteBytes }),
    })),
    ...(source && { source }),
    ...(suspect !== undefined && { suspect }),
    readAt,
    ...(inlinedIn !== undefined && { inlinedIn }),
  }
  return { record, chunks, ...(hints && { hints: { root: hints.root, chunks: chunksOf(hints.chunks, self) } }) }
}

function chunksOf(parsed: readonly z.infer<typeof chunkSchema>[], self: SnapshotId | undefined): InlineChunks {
  const chunks = new Map<string, InlineChunk>()
  for (const { id, sort, in: holder = self, offset, length } of parsed)
    if (holder !== undefined) chunks.set(id, { sort, holder, offset, length })
  return chunks
}

function json(document: JsonObject): Buffer {
  return Buffer.from(canonicalJson(document), 'utf8')
}
