/** Changes of a plan that follow each other, made together where their writer can; those that come next may be begun before these show. */
import type { Applied, ComponentWriter } from '../components/writer.ts'
import type { Change } from '../resources/change.ts'
import type { PlanItem } from './planned-item.ts'
import type { SliceChanges } from './slice-changes.ts'
import { writerOf } from './slice-work.ts'
import { unlessDamaged } from './stored-damage.ts'
import type { WatchedWork } from './step-watch.ts'

/** Items of one component. */
export interface Batch {
  readonly items: readonly PlanItem[]
  /** Of a writer that makes many together; `undefined` among them: what is stored of it is damaged. */
  readonly changes?: readonly (Change | undefined)[]
}

export interface BatchUnderWay {
  readonly items: readonly PlanItem[]
  /** Fulfilled when the next may be begun; with false when it has ended instead. Never rejects. */
  readonly begun: Promise<boolean>
  /** Up to the first conflict; waited for by whoever began it, whatever comes of it. */
  readonly results: Promise<readonly Applied[]>
}

const DAMAGED: Applied = { kind: 'damaged', complete: false }

/** Why nothing of a batch shows: the one before it met a conflict. */
class AfterConflict extends Error {}

/** Nothing of it that is made together shows before everything of `earlier` does, and then only where nothing stood in the way of that. */
export function beginBatch(
  work: WatchedWork,
  changes: SliceChanges,
  batch: Batch,
  earlier: BatchUnderWay | undefined,
): BatchUnderWay {
  const { promise: begun, resolve } = Promise.withResolvers<boolean>()
  const results = make(work, changes, batch, earlier, () => resolve(true))
  const over = (): void => resolve(false)
  results.then(over, over)
  return { items: batch.items, begun, results }
}

async function make(
  work: WatchedWork,
  changes: SliceChanges,
  { items, changes: prepared }: Batch,
  earlier: BatchUnderWay | undefined,
  begun: () => void,
): Promise<readonly Applied[]> {
  const [first] = items
  const writer = first && writerOf(work, first.component)
  if (prepared === undefined || writer?.applyMany === undefined) {
    await after(earlier)
    return writer === undefined ? [] : await makeEach(work, changes, writer, items)
  }
  // What is of another component may stand on any of those.
  if (earlier !== undefined && earlier.items[0]?.component !== first?.component) await after(earlier)
  await work.watch.look()
  const shows = async (): Promise<void> => {
    await after(earlier)
    await work.watch.look()
  }
  const together = prepared.filter((change) => change !== undefined)
  const turns = { still: () => work.watch.look(), shows, begun }
  const made = (await writer.applyMany(work.slice, together, work.context, turns)).values()
  const all: Applied[] = []
  for (const change of prepared) {
    const applied = change === undefined ? DAMAGED : made.next().value
    if (applied === undefined) break
    all.push(applied)
  }
  return all
}

async function makeEach(
  work: WatchedWork,
  changes: SliceChanges,
  writer: ComponentWriter,
  items: readonly PlanItem[],
): Promise<readonly Applied[]> {
  const results: Applied[] = []
  for (const item of items) {
    work.delivery.signal.throwIfAborted()
    const change = await unlessDamaged(changes.forwards(item))
    await work.watch.look()
    const applied = change === undefined ? DAMAGED : await writer.apply(work.slice, change, work.context)
    results.push(applied)
    if (applied.kind === 'conflict') break
  }
  return results
}

/** @throws what that one threw. */
async function after(earlier: BatchUnderWay | undefined): Promise<void> {
  const results = await earlier?.results
  if (results?.at(-1)?.kind === 'conflict') throw new AfterConflict('after a conflict')
}
