/** A stored snapshot as the other rooms see it. */
import type { Claim, Marks } from './marks.ts'
import { parseSnapshotId } from './snapshot-id.ts'
import type { SnapshotDocument } from './snapshot-document.ts'
import type { Snapshot, SnapshotId } from './snapshot.ts'

export function snapshotOf(
  { id, document }: { readonly id: SnapshotId; readonly document: SnapshotDocument },
  marks?: Marks,
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
    accepted: marks?.accepted.has(id) ?? false,
    mixed: marks !== undefined && isMixed(document, marks.claims),
  }
}

/** Was a restore writing to the source at any time between the first reading and the last? */
export function isMixed({ time, components }: SnapshotDocument, claims: readonly Claim[]): boolean {
  const begunMs = Date.parse(time)
  const endedMs = Math.max(begunMs, ...[...components.values()].map(({ record }) => Date.parse(record.readAt)))
  return claims.some(
    ({ from, until, elsewhere }) =>
      elsewhere !== true && endedMs >= Date.parse(from) && (until === undefined || begunMs <= Date.parse(until)),
  )
}
