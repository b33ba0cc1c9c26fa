/**
 * What earlier parts of a run left behind (docs/format.md, "Checkpoints"): how far the chain of continuations came and, where the rest of a component is read in ranges, how
 * far each of those came.
 */
import { isTorikiError } from '../errors.ts'
import { listAll } from '../platform/object-store/port.ts'
import { packPrefix } from './object-paths.ts'
import { slicePath } from './slice-context.ts'
import { loadCheckpoint } from './snapshot-object.ts'
import type { Condemned } from './condemned.ts'
import type { SliceContext } from './slice-context.ts'
import type { CheckpointDocument, InlineChunk, RangePlan, StoredComponent } from './snapshot-document.ts'

export interface CheckpointName {
  readonly name: string
  /** Absent: of the chain. */
  readonly range: number | undefined
  /** Of the chain; of a range: its hop. */
  readonly part: number
  readonly n: number
}

export interface Progress {
  /** Where the chain stopped. */
  readonly chain: CheckpointDocument | undefined
  /** Of the chain's plan, where it has one: per range, in order, how far it came. Of a capture of one range: that one alone is looked for. */
  readonly ranges: readonly (CheckpointDocument | undefined)[]
  /** All of these. */
  readonly documents: readonly CheckpointDocument[]
  /** The part that the chain's has in its name, or the hop of the range that a capture is of: what goes on from it is not named lower. */
  readonly reached: number
}

/** In ranges the last has no border behind it. */
export function rangesOf({ borders }: RangePlan): number {
  return borders.length + 1
}

/** `<run>.<part>.<n>`, or `<run>.r<range>.<hop>.<n>`. */
export function checkpointName(run: string, { range, part, n }: Omit<CheckpointName, 'name'>): string {
  return `${run}.${range === undefined ? '' : `r${range}.`}${part}.${n}`
}

/** Furthest first. What is no checkpoint's name is passed over. */
export async function listCheckpoints(context: SliceContext, run: string): Promise<CheckpointName[]> {
  const folder = slicePath(context, 'checkpoints')
  const found: CheckpointName[] = []
  for await (const { key } of listAll(context.platform.store, `${folder}${run}.`)) {
    const name = key.slice(folder.length)
    const match = /^(?:r([1-9]\d{0,2})\.)?(\d{1,9})\.([1-9]\d{0,8})$/.exec(name.slice(run.length + 1))
    if (match === null) continue
    const [, range, part, n] = match
    found.push({ name, range: range === undefined ? undefined : Number(range), part: Number(part), n: Number(n) })
  }
  return found.sort((a, b) => b.part - a.part || b.n - a.n)
}

/** The furthest of each that can be gone on from: all its packs are there and not condemned. */
export async function readProgress(
  context: SliceContext,
  checkpoints: readonly CheckpointName[],
  options: {
    readonly condemned: Condemned
    readonly isHeld: (chunk: InlineChunk) => boolean
    readonly range: number | undefined
  },
): Promise<Progress> {
  if (checkpoints.length === 0) return { chain: undefined, ranges: [], documents: [], reached: 0 }
  const packs = new Set<string>()
  for (const sort of ['tree', 'content'] as const) {
    const prefix = packPrefix(context.sliceId, sort)
    for await (const { key } of listAll(context.platform.store, prefix)) packs.add(key.slice(prefix.length))
  }
  let reached = 0
  const furthest = async (
    range: number | undefined,
    isOf: (document: CheckpointDocument) => boolean,
  ): Promise<CheckpointDocument | undefined> => {
    for (const { name, part } of checkpoints.filter((one) => one.range === range)) {
      const document = await openCheckpoint(context, name)
      if (document === undefined || !isOf(document)) continue
      const whole = document.packs.every((pack) => packs.has(pack) && !options.condemned.packs.has(pack))
      if (!whole || !areHeld(componentsOf(document), options.isHeld)) continue
      if (range === options.range) reached = part
      return document
    }
    return undefined
  }
  const chain = await furthest(undefined, () => true)
  const ranges: (CheckpointDocument | undefined)[] = []
  const { plan } = chain ?? {}
  for (let number = 1; plan !== undefined && number <= rangesOf(plan); number++) {
    const isWanted = options.range === undefined || options.range === number
    ranges.push(
      isWanted ? await furthest(number, ({ range }) => range?.plan === plan.id && range.number === number) : undefined,
    )
  }
  return { chain, ranges, documents: [chain, ...ranges].filter((one) => one !== undefined), reached }
}

/**
 * What a capture goes on from: the chain's, with what its ranges have besides; or, of one range, with that range's map instead. Everything they name is named by who goes on.
 */
export function goingOnFrom({ chain, ranges, documents }: Progress, range?: number): CheckpointDocument | undefined {
  if (chain === undefined) return undefined
  const all = (of: (document: CheckpointDocument) => readonly string[]): string[] => [...new Set(documents.flatMap(of))]
  return {
    ...chain,
    partial: range === undefined ? chain.partial : ranges[range - 1]?.partial,
    packs: all(({ packs }) => packs),
    indexes: all(({ indexes }) => indexes),
  }
}

async function openCheckpoint(context: SliceContext, name: string): Promise<CheckpointDocument | undefined> {
  try {
    return await loadCheckpoint(context, name)
  } catch (error) {
    if (!isTorikiError(error, 'object-not-found') && !isTorikiError(error, 'seal-broken')) throw error
    context.platform.log.write('warn', 'checkpoint-passed-over', { slice: context.sliceId, code: error.code })
    return undefined
  }
}

export function componentsOf({ components, partial }: CheckpointDocument): readonly StoredComponent[] {
  return [...components.values(), ...(partial ? [partial] : [])]
}

/** Is every chunk of these components that stands in a snapshot object to be counted on? */
export function areHeld(components: Iterable<StoredComponent>, isHeld: (chunk: InlineChunk) => boolean): boolean {
  for (const { chunks } of components) for (const chunk of chunks.values()) if (!isHeld(chunk)) return false
  return true
}
