/** A stored snapshot as the other rooms see it. */
import { parseSnapshotId } from './snapshot-id.ts'
import type { SnapshotDocument } from './snapshot-document.ts'
import type { Snapshot, SnapshotId } from './snapshot.ts'

export function snapshotOf(
  { id, document }: { readonly id: SnapshotId; readonly document: SnapshotDocument },
  accepted = false,
): Snapshot {
  const { run, n } = parseSnapshotId(id) ?? { run: id, n: 0 }
  return {
    id,
    run,
    n,
    time: document.time,
    components: Object.fromEntries([...document.components].map(([component, { record }]) => [component, record])),
    missing: document.missing,
    ...(document.parent && { parent: document.parent.id }),
    accepted,
  }
}
