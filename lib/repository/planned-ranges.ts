/**
 * A large component is read by several captures at once, each a range of its keys (docs/format.md, "Ranges"). The plan stands in a checkpoint of the chain; each range has
 * checkpoints of its own; when all are whole, any capture of the run joins them.
 */
import assert from 'node:assert/strict'
import { isTorikiError, TorikiError } from '../errors.ts'
import { compareKeys } from '../resources/key.ts'
import { RANGES_MAX } from './format.ts'
import { SnapshotChunks } from './snapshot-chunks.ts'
import { TreeReader } from './tree-reader.ts'
import type { JsonObject } from '../resources/json.ts'
import type { ResourceKey } from '../resources/key.ts'
import type { Resource } from '../resources/resource.ts'
import type { CaptureStart } from './capture-start.ts'
import type { ChunkSource } from './chunk-store.ts'
import type { TreeChild } from './node-codec.ts'
import type { CaptureRange, CaptureRanges } from './repository.ts'
import type { SliceContext } from './slice-context.ts'
import type { SnapshotCache } from './snapshot-chunks.ts'
import type { CheckpointDocument, PartialComponent, RangePlan } from './snapshot-document.ts'

/** Children to choose borders among, for each range: so that none is much longer than another. */
const CANDIDATES_A_RANGE = 8

export class PlannedRanges implements CaptureRanges {
  readonly mine: CaptureRange | undefined
  readonly #context: SliceContext
  readonly #start: CaptureStart
  readonly #cache: SnapshotCache
  readonly #openPacks: () => Promise<Pick<ChunkSource, 'get'>>
  readonly #partial: PartialComponent | undefined
  readonly #range: number | undefined
  #plan: RangePlan | undefined
  /** Of a plan that this capture made nothing is read yet. */
  #isNew = false

  constructor(
    context: SliceContext,
    options: {
      readonly start: CaptureStart
      readonly cache: SnapshotCache
      readonly openPacks: () => Promise<Pick<ChunkSource, 'get'>>
      /** Components that are stored. */
      readonly done: { has(component: string): boolean }
      /** What is read of a component already. */
      readonly partial: PartialComponent | undefined
      /** Which range the capture is of. */
      readonly range: number | undefined
    },
  ) {
    const { start, done, partial, range } = options
    this.#context = context
    this.#start = start
    this.#cache = options.cache
    this.#openPacks = options.openPacks
    this.#partial = partial
    this.#range = range
    const { plan } = start.progress.chain ?? {}
    if (plan !== undefined && !done.has(plan.component)) this.#plan = plan
    this.mine = range === undefined ? undefined : this.#rangeOf(range)
  }

  get component(): string | undefined {
    return this.#plan?.component
  }

  get of(): JsonObject | undefined {
    return this.#plan?.of
  }

  get unfinished(): readonly number[] {
    if (this.#plan === undefined) return []
    const { ranges } = this.#start.progress
    const all = Array.from({ length: this.#plan.borders.length + 1 }, (_, at) => at + 1)
    return this.#isNew ? all : all.filter((number) => ranges[number - 1]?.range?.whole !== true)
  }

  forget(): void {
    this.#plan = undefined
  }

  async borders(component: string, ranges: number): Promise<readonly ResourceKey[]> {
    const stored = this.#start.previous.get(component)
    if (stored === undefined) return []
    const source = new SnapshotChunks(this.#context, stored.chunks, this.#cache, this.#openPacks)
    const reader = new TreeReader(this.#context.formats.map, source)
    const { lastKey } = this.stored(component)
    try {
      return chooseBorders(await upperNodes(reader, stored.record.root, ranges * CANDIDATES_A_RANGE), ranges, lastKey)
    } catch (error) {
      // Damaged, or condemned: as if it had never been stored.
      if (!isTorikiError(error, 'object-not-found') && !isTorikiError(error, 'seal-broken')) throw error
      const { platform, sliceId } = this.#context
      platform.log.write('warn', 'borders-passed-over', { slice: sliceId, code: error.code })
      return []
    }
  }

  bordersAmong(component: string, ranges: number, keys: readonly ResourceKey[]): readonly ResourceKey[] {
    const weighed = keys.map((key) => ({ key, entries: 1 }))
    return chooseBorders(weighed, ranges, this.stored(component).lastKey)
  }

  stored(component: string): ReturnType<CaptureRanges['stored']> {
    const now = this.#partial?.component === component ? this.#partial : undefined
    return { before: this.#start.previous.get(component)?.record, now: now?.record, lastKey: now?.lastKey }
  }

  /** The rest of the component is to be read so from now on. */
  plan(component: string, of: JsonObject, borders: readonly ResourceKey[]): void {
    assert(borders.length > 0 && borders.length < RANGES_MAX, 'two ranges at least')
    const { lastKey: after } = this.stored(component)
    const id = this.#context.platform.random.bytes(16).toString('hex')
    this.#plan = { id, component, ...(after && { after }), borders, of }
    this.#isNew = true
  }

  /** What a checkpoint says of it. */
  told(isWhole: boolean): Pick<CheckpointDocument, 'plan' | 'range'> {
    if (this.#plan === undefined) return {}
    if (this.#range === undefined) return { plan: this.#plan }
    return { range: { plan: this.#plan.id, number: this.#range, whole: isWhole } }
  }

  /** What is to be joined, in order. @throws TorikiError `seal-broken` when what was read before the ranges, or one of them, is not there. */
  whole(): { readonly component: string; readonly parts: readonly PartialComponent[] } {
    const plan = this.#plan
    assert(plan !== undefined && this.unfinished.length === 0, 'all ranges are whole')
    const { chain, ranges } = this.#start.progress
    const before = chain?.partial?.component === plan.component ? chain.partial : undefined
    const parts = [before, ...ranges.map((one) => one?.partial)].filter((one) => one !== undefined)
    const all = ranges.every((one) => one?.partial?.component === plan.component)
    if (!all || !isSame(before?.lastKey, plan.after))
      throw new TorikiError('seal-broken', { message: 'A part of a map is not there.' })
    return { component: plan.component, parts }
  }

  #rangeOf(number: number): CaptureRange | undefined {
    const plan = this.#plan
    if (plan === undefined || number > plan.borders.length + 1) return undefined
    const own = this.#start.progress.ranges[number - 1]
    // Of a whole range without entries there is none; nobody goes on from it.
    const after = own?.partial?.lastKey ?? (number === 1 ? plan.after : plan.borders[number - 2])
    const { component, of } = plan
    return { component, of, after, until: plan.borders[number - 1], isWhole: own?.range?.whole === true }
  }
}

function isSame(a: Buffer | undefined, b: Buffer | undefined): boolean {
  return a === undefined || b === undefined ? a === b : a.equals(b)
}

/** As the source gives them. @throws TorikiError `source-unexpected` for a resource of another range. */
export async function* within(
  { after, until }: Pick<CaptureRange, 'after' | 'until'>,
  resources: AsyncIterable<Resource | readonly Resource[]>,
): AsyncGenerator<Resource | readonly Resource[]> {
  for await (const some of resources) {
    for (const { key } of Array.isArray(some) ? (some as readonly Resource[]) : [some as Resource]) {
      const isBefore = after !== undefined && compareKeys(key, after) <= 0
      if (isBefore || (until !== undefined && compareKeys(key, until) > 0))
        throw new TorikiError('source-unexpected', {
          message: 'The source listed something outside the range asked for.',
        })
    }
    yield some
  }
}

type Weighed = Pick<TreeChild, 'key' | 'entries'>

/** The children of the highest level that has so many, or of the lowest above the leaves. */
async function upperNodes(reader: TreeReader, root: string, wanted: number): Promise<readonly Weighed[]> {
  const node = await reader.root(Buffer.from(root, 'hex'))
  if (node.leaf) return []
  let { level, items } = node
  while (items.length < wanted && level > 1) {
    const below: TreeChild[] = []
    let lower: Buffer | undefined
    for (const child of items) {
      const inner = await reader.child(level, child, lower)
      if (!inner.leaf) below.push(...inner.items)
      lower = child.key
    }
    level--
    items = below
  }
  return items
}

/** Keys that end ranges of about as many entries each, behind `after`; fewer where there are too few to choose among. */
function chooseBorders(
  candidates: readonly Weighed[],
  ranges: number,
  after: ResourceKey | undefined,
): readonly ResourceKey[] {
  const rest = candidates.filter(({ key }) => after === undefined || compareKeys(key, after) > 0)
  const total = rest.reduce((sum, { entries }) => sum + entries, 0)
  const borders: ResourceKey[] = []
  let passed = 0
  // What ends with the last one needs no border.
  for (const { key, entries } of rest.slice(0, -1)) {
    passed += entries
    if (passed < (total * (borders.length + 1)) / ranges) continue
    borders.push(key)
    if (borders.length === ranges - 1) break
  }
  return borders
}
