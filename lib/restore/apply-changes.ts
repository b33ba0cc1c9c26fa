/** Makes changes of a slice's plan, in its order. Done again it makes what is left. */
import type { Change } from '../resources/change.ts'
import { formatKey } from '../resources/key.ts'
import { beginBatch } from './apply-batch.ts'
import type { Batch, BatchUnderWay } from './apply-batch.ts'
import { DamagedItems } from './damaged-items.ts'
import type { Look } from './live-look.ts'
import { SliceChanges } from './slice-changes.ts'
import { unlessDamaged } from './stored-damage.ts'
import { applying, undoing, writerOf } from './slice-work.ts'
import type { Pass, SliceWork } from './slice-work.ts'
import type { WatchedWork } from './step-watch.ts'
import type { Finding } from './slice-log.ts'
import type { PlanItem } from './planned-item.ts'

/** Made together, and flushed to the disk once, where a writer can: so many at most, and so much. */
const TOGETHER_MAX = 512
const TOGETHER_BYTES = 32 * 1024 * 1024

/**
 * What stood in the way; then nothing further was made. What is stored damaged is passed over: verification names it.
 * @throws TorikiError `restore-overtaken`; what writers throw.
 */
export async function applyChanges(work: WatchedWork, safety: Look, pass: Pass): Promise<readonly Finding[]> {
  const changes = new SliceChanges(work, safety)
  try {
    return await applyAll(work, changes, pass)
  } finally {
    changes.close()
  }
}

async function applyAll(work: WatchedWork, changes: SliceChanges, pass: Pass): Promise<readonly Finding[]> {
  // By their places in the plan: an item is large, and a home may have a million.
  const again = new Set<number>()
  const damaged = new DamagedItems()
  let place = 0
  /** @returns what stood in the way. */
  const ended = async ({ items, results }: BatchUnderWay): Promise<Finding | undefined> => {
    for (const [index, applied] of (await results).entries()) {
      const item = items[index] as PlanItem
      if (applied.kind === 'conflict') return conflictOf(item, applied.fields)
      if (applied.kind === 'damaged') damaged.add(item)
      if (applied.complete) again.add(place)
      place++
    }
    return undefined
  }
  // While the files of one batch are made by other threads, the next is begun.
  let earlier: BatchUnderWay | undefined
  let later: BatchUnderWay | undefined
  try {
    for await (const batch of prepared(work, changes, pass)) {
      work.delivery.signal.throwIfAborted()
      later = beginBatch(work, changes, batch, earlier)
      const isBegun = await later.begun
      const found = (earlier && (await ended(earlier))) ?? (isBegun ? undefined : await ended(later))
      if (found !== undefined) return [found]
      earlier = isBegun ? later : undefined
    }
    const found = earlier && (await ended(earlier))
    if (found !== undefined) return [found]
  } finally {
    await Promise.allSettled([earlier?.results, later?.results])
  }
  if (again.size > 0)
    for await (const part of undoing(work, pass)) {
      const asked = part.filter(() => again.has(--place))
      await completeThose(work, changes, asked, damaged)
    }
  await flushWritten(work)
  return []
}

/** What of `items` stands on nothing that is damaged, in their order. */
async function completeThose(
  work: WatchedWork,
  changes: SliceChanges,
  items: readonly PlanItem[],
  damaged: DamagedItems,
): Promise<void> {
  let those: Change[] = []
  const still = (): Promise<void> => work.watch.look()
  for (const [at, item] of items.entries()) {
    work.delivery.signal.throwIfAborted()
    const writer = writerOf(work, item.component)
    const change = await changes.forwards(item)
    if (!damaged.bears(writer, item, change)) those.push(change)
    if (items[at + 1]?.component === item.component && those.length < TOGETHER_MAX) continue
    if (writer.completeMany !== undefined) await writer.completeMany(work.slice, those, work.context, still)
    else
      for (const one of those) {
        await still()
        await writer.complete(work.slice, one, work.context)
      }
    those = []
  }
}

/** What was written outlasts a machine that fails: before a step is recorded. */
export async function flushWritten({ service, plan, slice, context }: SliceWork): Promise<void> {
  for (const writer of service.writers)
    if (plan.snapshots[writer.name] !== undefined) await writer.flush?.(slice, context)
}

/** Items of one component that follow each other, in their order. */
async function* batches(parts: AsyncIterable<readonly PlanItem[]>): AsyncGenerator<readonly PlanItem[]> {
  let batch: PlanItem[] = []
  let bytes = 0
  for await (const part of parts)
    for (const item of part) {
      const [first] = batch
      if (
        first !== undefined &&
        (batch.length === TOGETHER_MAX || bytes >= TOGETHER_BYTES || first.component !== item.component)
      ) {
        yield batch
        batch = []
        bytes = 0
      }
      batch.push(item)
      bytes += item.bytes ?? 0
    }
  if (batch.length > 0) yield batch
}

/** Batches with their changes: those of the next one are looked for while one is made. */
async function* prepared(work: WatchedWork, changes: SliceChanges, pass: Pass): AsyncGenerator<Batch> {
  const source = batches(applying(work, pass))
  const prepare = async (): Promise<Batch | undefined> => {
    const next = await source.next()
    if (next.done === true) return undefined
    const items = next.value
    const [first] = items
    if (first === undefined || writerOf(work, first.component).applyMany === undefined) return { items }
    const found: (Change | undefined)[] = []
    for (const [index, change] of (await changes.forwardsTogether(items)).entries())
      found.push(change ?? (await unlessDamaged(changes.forwards(items[index] as PlanItem))))
    return { items, changes: found }
  }
  let next = prepare()
  try {
    for (;;) {
      const batch = await next
      if (batch === undefined) return
      if (batch.changes === undefined) {
        yield batch
        next = prepare()
      } else {
        next = prepare()
        // Told to whoever asks for it.
        next.catch(() => undefined)
        yield batch
      }
    }
  } finally {
    await next.catch(() => undefined)
    await source.return(undefined)
  }
}

function conflictOf({ component, key }: PlanItem, fields: readonly string[]): Finding {
  const what = fields.length === 0 ? 'was changed' : `was changed: ${fields.join(', ')}`
  return { component, key: formatKey(Buffer.from(key, 'base64url')), what }
}
