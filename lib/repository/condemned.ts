/**
 * The writer's half of prune (docs/format.md, "Condemned"): what prune has condemned counts as absent, and a writer looks twice, before it reads what
 * is there and before it commits. Nothing here condemns or deletes.
 */
import * as z from 'zod'
import { isTorikiError, TorikiError } from '../errors.ts'
import { OBJECT_BYTES_MAX } from '../limits.ts'
import { openJson } from './sealed-json.ts'
import { slicePath } from './slice-context.ts'
import type { ListPage } from '../platform/object-store/port.ts'
import type { SliceContext } from './slice-context.ts'

/** Between condemning and deleting lies at least so much of the store's time. Part of the format: writers and prune must agree. */
export const GRACE_MS = 24 * 60 * 60 * 1000

const condemnedSchema = z.object({
  since: z.iso.datetime(),
  packs: z.array(z.string().max(200)),
  snapshots: z.array(z.string().max(200)),
})

export interface Condemnation {
  /** When it was written, by the store's clock. */
  readonly modifiedAt: Date
  readonly packs: readonly string[]
  readonly snapshots: readonly string[]
}

export interface Condemned {
  /** The store's clock at this look. */
  readonly at: Date
  readonly packs: ReadonlySet<string>
  /** Forgotten snapshot objects that no kept one names as holder. */
  readonly snapshots: ReadonlySet<string>
  /** Per object, what it condemns: so that a second look reads only what is new. */
  readonly objects: ReadonlyMap<string, Condemnation>
}

/** One list, and one read for each condemning object that `earlier` does not hold. @throws TorikiError `seal-broken`. */
export async function readCondemned(context: SliceContext, earlier?: Condemned): Promise<Condemned> {
  const { store } = context.platform
  const objects = new Map<string, Condemnation>()
  let at: Date | undefined
  let after: string | undefined
  do {
    const page: ListPage = await store.list(slicePath(context, 'condemned'), after === undefined ? {} : { after })
    // The first look counts from its beginning, the second to its end.
    if (at === undefined || earlier !== undefined) at = page.at
    for (const { key, modifiedAt } of page.objects) {
      const document = earlier?.objects.get(key) ?? (await readObject(context, key))
      if (document !== undefined) objects.set(key, { ...document, modifiedAt })
    }
    after = page.next
  } while (after !== undefined)
  const all = [...objects.values()]
  return {
    at,
    packs: new Set(all.flatMap(({ packs }) => packs)),
    snapshots: new Set(all.flatMap(({ snapshots }) => snapshots)),
    objects,
  }
}

/** The store's clock. */
export async function storeTime(context: SliceContext): Promise<Date> {
  return (await context.platform.store.list(slicePath(context, 'condemned'))).at
}

/**
 * The second look, with everything that the capture is about to name. `packs` are those it wrote or reused chunks of, recorded as it went: the same as
 * walking every reused subtree. @throws TorikiError `capture-stale` when the capture must start over.
 */
export async function lookAgain(
  context: SliceContext,
  first: Condemned,
  named: { readonly packs: Iterable<string>; readonly snapshots: Iterable<string> },
): Promise<void> {
  const second = await readCondemned(context, first)
  if (second.at.getTime() - first.at.getTime() > GRACE_MS / 2) {
    throw new TorikiError('capture-stale', { message: 'The backup took longer than half the grace time of prune.' })
  }
  for (const pack of named.packs) if (second.packs.has(pack)) throw new TorikiError('capture-stale', { ids: { pack } })
  for (const snapshot of named.snapshots) {
    if (second.snapshots.has(snapshot)) throw new TorikiError('capture-stale', { ids: { snapshot } })
  }
}

async function readObject(context: SliceContext, path: string): Promise<Omit<Condemnation, 'modifiedAt'> | undefined> {
  try {
    const bytes = await context.platform.store.get(path, { bytesMax: OBJECT_BYTES_MAX })
    return openJson({ parentKey: context.keys.treeKey, kind: 'condemned', path, bytes }, condemnedSchema)
  } catch (error) {
    // Deleted since it was listed: prune has ended, and what it condemned is in no index any more.
    if (isTorikiError(error, 'object-not-found')) return undefined
    throw error
  }
}
