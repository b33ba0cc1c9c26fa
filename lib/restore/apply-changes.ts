/** Makes changes of a slice's plan, in its order. Done again it makes what is left. */
import type { Applied } from '../components/writer.ts'
import type { Change } from '../resources/change.ts'
import { formatKey } from '../resources/key.ts'
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
const DAMAGED: Applied = { kind: 'damaged', complete: false }

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
  for await (const batch of prepared(work, changes, pass)) {
    work.delivery.signal.throwIfAborted()
    for (const [index, applied] of (await applyBatch(work, changes, batch)).entries()) {
      const item = batch.items[index] as PlanItem
      if (applied.kind === 'conflict') return [conflictOf(item, applied.fields)]
      if (applied.kind === 'damaged') damaged.add(item)
      if (applied.complete) again.add(place)
      place++
    }
  }
  if (again.size > 0)
    for await (const part of undoing(work, pass))
      for (const item of part) {
        if (!again.has(--place)) continue
        work.delivery.signal.throwIfAborted()
        const change = await changes.forwards(item)
        await work.watch.look()
        const writer = writerOf(work, item.component)
        if (!damaged.bears(writer, item, change)) await writer.complete(work.slice, change, work.context)
      }
  await flushWritten(work)
  return []
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

interface Batch {
  readonly items: readonly PlanItem[]
  /** Of a writer that makes many together; `undefined` among them: what is stored of it is damaged. */
  readonly changes?: readonly (Change | undefined)[]
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

/** Up to the first conflict. */
async function applyBatch(
  work: WatchedWork,
  changes: SliceChanges,
  { items, changes: prepared }: Batch,
): Promise<readonly Applied[]> {
  const [first] = items
  if (first === undefined) return []
  const writer = writerOf(work, first.component)
  if (prepared !== undefined && writer.applyMany !== undefined) {
    await work.watch.look()
    const together = prepared.filter((change) => change !== undefined)
    const made = [...(await writer.applyMany(work.slice, together, work.context, () => work.watch.look()))]
    const all: Applied[] = []
    for (const change of prepared) {
      const applied = change === undefined ? DAMAGED : made.shift()
      if (applied === undefined) break
      all.push(applied)
    }
    return all
  }
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

function conflictOf({ component, key }: PlanItem, fields: readonly string[]): Finding {
  const what = fields.length === 0 ? 'was changed' : `was changed: ${fields.join(', ')}`
  return { component, key: formatKey(Buffer.from(key, 'base64url')), what }
}
