/** Makes changes of a slice's plan, in its order. Done again it makes what is left. */
import type { Change } from '../resources/change.ts'
import { formatKey } from '../resources/key.ts'
import type { Look } from './live-look.ts'
import { keyOf, touchedItems, writerOf } from './slice-work.ts'
import type { SliceWork } from './slice-work.ts'
import type { Finding } from './slice-log.ts'
import type { PlanItem } from './slice-plan.ts'
import { seenOf, wantedOf } from './wanted.ts'

/** What stood in the way; then nothing further was made. @throws what writers throw. */
export async function applyChanges(
  work: SliceWork,
  safety: Look,
  isMeant: (item: PlanItem) => boolean,
): Promise<readonly Finding[]> {
  const again: PlanItem[] = []
  for await (const item of touchedItems(work)) {
    if (!isMeant(item)) continue
    work.delivery.signal.throwIfAborted()
    const applied = await writerOf(work, item.component).apply(
      work.slice,
      await changeOf(work, safety, item),
      work.context,
    )
    if (applied.kind === 'conflict') {
      const what = applied.fields.length === 0 ? 'was changed' : `was changed: ${applied.fields.join(', ')}`
      return [{ component: item.component, key: formatKey(keyOf(item)), what }]
    }
    if (applied.complete) again.push(item)
  }
  for (const item of again.reverse()) {
    work.delivery.signal.throwIfAborted()
    await writerOf(work, item.component).complete(work.slice, await changeOf(work, safety, item), work.context)
  }
  return []
}

/** From what the safety snapshot holds to what the plan's snapshot holds. */
export async function changeOf(work: SliceWork, { repository, snapshot }: Look, item: PlanItem): Promise<Change> {
  const { plan } = work
  const key = keyOf(item)
  const before = snapshot.components[item.component] && (await repository.resource(snapshot, item.component, key))
  const id = plan.snapshots[item.component]
  const source = item.action === 'delete' || id === undefined ? undefined : await repository.snapshot(id)
  const from = item.from === undefined ? key : Buffer.from(item.from, 'base64url')
  const stored = source && (await repository.resource(source, item.component, from))
  const after = stored && (await wantedOf(repository, stored))
  const moved =
    after === undefined || plan.folder === undefined || item.from === undefined
      ? undefined
      : writerOf(work, item.component).move?.({ key: from, state: after.state }, plan.folder)
  return {
    key,
    ...(before === undefined ? {} : { before: await seenOf(repository, before) }),
    ...(after === undefined ? {} : { after: moved === undefined ? after : { ...after, state: moved.state } }),
  }
}
