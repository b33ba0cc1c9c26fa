/**
 * Marks on snapshots: accepted although suspect, or forgotten (docs/format.md, "Marks"). Each mark repeats those before it, so the highest n says all
 * and reading them costs one object, however old the slice; a racing writer loses the number, reads and goes on from there.
 */
import * as z from 'zod'
import { isTorikiError } from '../errors.ts'
import { OBJECT_BYTES_MAX } from '../limits.ts'
import { listAll } from '../platform/object-store/port.ts'
import { openJson, sealJson } from './sealed-json.ts'
import { parseSnapshotId } from './snapshot-id.ts'
import { slicePath } from './slice-context.ts'
import type { SliceContext } from './slice-context.ts'
import type { SnapshotId } from './snapshot.ts'

const snapshotId = z.string().refine((text) => parseSnapshotId(text) !== undefined)
const markSchema = z.object({
  accepted: z.array(snapshotId),
  forgotten: z.array(z.object({ id: snapshotId, digest: z.string().regex(/^[0-9a-f]{64}$/) })),
})

export interface Marks {
  /** 0 when nothing was ever marked. */
  readonly n: number
  readonly accepted: ReadonlySet<SnapshotId>
  /** With the digest of the sealed object, so that a lost snapshot is told from a forgotten one. */
  readonly forgotten: ReadonlyMap<SnapshotId, string>
}

/** One list and at most one read. @throws TorikiError `seal-broken`. */
export async function readMarks(context: SliceContext): Promise<Marks> {
  const prefix = slicePath(context, 'marks')
  let n = 0
  for await (const { key } of listAll(context.platform.store, prefix)) {
    const name = key.slice(prefix.length)
    if (/^[1-9]\d{0,8}$/.test(name)) n = Math.max(n, Number(name))
  }
  if (n === 0) return { n, accepted: new Set(), forgotten: new Map() }
  const path = slicePath(context, 'marks', String(n))
  const bytes = await context.platform.store.get(path, { bytesMax: OBJECT_BYTES_MAX })
  const { accepted, forgotten } = openJson({ ...place(context, path), bytes }, markSchema)
  return { n, accepted: new Set(accepted), forgotten: new Map(forgotten.map(({ id, digest }) => [id, digest])) }
}

/** Adds to the marks. Idempotent: writes nothing when all of it is marked already. */
export async function addMarks(
  context: SliceContext,
  added: {
    readonly accepted?: readonly SnapshotId[]
    readonly forgotten?: readonly { readonly id: SnapshotId; readonly digest: string }[]
  },
): Promise<void> {
  for (;;) {
    const marks = await readMarks(context)
    const accepted = new Set([...marks.accepted, ...(added.accepted ?? [])])
    const forgotten = new Map([
      ...marks.forgotten,
      ...(added.forgotten ?? []).map(({ id, digest }) => [id, digest] as const),
    ])
    if (accepted.size === marks.accepted.size && forgotten.size === marks.forgotten.size) return
    const path = slicePath(context, 'marks', String(marks.n + 1))
    const document = { accepted: [...accepted], forgotten: [...forgotten].map(([id, digest]) => ({ id, digest })) }
    try {
      await context.platform.store.create(
        path,
        sealJson({ ...place(context, path), random: context.platform.random }, document),
      )
      return
    } catch (error) {
      // Somebody took the number, or this is the answer to a create of ours that was lost: the next look tells.
      if (!isTorikiError(error, 'object-exists')) throw error
    }
  }
}

function place(
  context: SliceContext,
  path: string,
): { parentKey: SliceContext['keys']['treeKey']; kind: 'mark'; path: string } {
  return { parentKey: context.keys.treeKey, kind: 'mark', path }
}
