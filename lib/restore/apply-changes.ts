/** Makes changes of a slice's plan, in its order. Done again it makes what is left. */
import { formatKey } from '../resources/key.ts'
import type { Look } from './live-look.ts'
import { SliceChanges } from './slice-changes.ts'
import { applying, keyOf, undoing, writerOf } from './slice-work.ts'
import type { Pass, SliceWork } from './slice-work.ts'
import type { Finding } from './slice-log.ts'

/** What stood in the way; then nothing further was made. @throws what writers throw. */
export async function applyChanges(work: SliceWork, safety: Look, pass: Pass): Promise<readonly Finding[]> {
  const changes = new SliceChanges(work, safety)
  // By their places in the plan: an item is large, and a home may have a million.
  const again = new Set<number>()
  let place = 0
  for await (const item of applying(work, pass)) {
    work.delivery.signal.throwIfAborted()
    const applied = await writerOf(work, item.component).apply(work.slice, await changes.forwards(item), work.context)
    if (applied.kind === 'conflict') {
      const what = applied.fields.length === 0 ? 'was changed' : `was changed: ${applied.fields.join(', ')}`
      return [{ component: item.component, key: formatKey(keyOf(item)), what }]
    }
    if (applied.complete) again.add(place)
    place++
  }
  if (again.size === 0) return []
  for await (const item of undoing(work, pass)) {
    if (!again.has(--place)) continue
    work.delivery.signal.throwIfAborted()
    await writerOf(work, item.component).complete(work.slice, await changes.forwards(item), work.context)
  }
  return []
}
