/** The components that a capture has: stored by itself, or taken over from an earlier part of the run. */
import type { CaptureStart } from './capture-start.ts'
import type { ComponentChunks } from './component-chunks.ts'
import type { StoredComponent, StoredHints } from './snapshot-document.ts'
import type { ComponentToSeal, LoadedSnapshot } from './snapshot-object.ts'
import type { ComponentRecord, SnapshotId } from './snapshot.ts'

export interface Captured {
  record: ComponentRecord
  /** Where its chunks went; `undefined`: an earlier part stored it. */
  readonly chunks: ComponentChunks | undefined
  readonly hints: { readonly root: string; readonly chunks: ComponentChunks } | undefined
  readonly earlier: StoredComponent | undefined
}

/** As a checkpoint names them: whatever was to stand in the snapshot goes to packs. */
export async function toKeep(captured: ReadonlyMap<string, Captured>): Promise<Map<string, StoredComponent>> {
  const components = new Map<string, StoredComponent>()
  for (const [component, one] of captured) {
    await one.chunks?.spill()
    await one.hints?.chunks.spill()
    components.set(component, { record: one.record, chunks: namedBy(one), hints: hintsOf(one) })
  }
  return components
}

/** As a snapshot holds and names them. */
export function toSeal(captured: ReadonlyMap<string, Captured>): Map<string, ComponentToSeal> {
  const components = new Map<string, ComponentToSeal>()
  for (const [component, one] of captured)
    components.set(component, {
      record: one.record,
      chunks: namedBy(one),
      staged: one.chunks?.staged ?? new Map(),
      hints: hintsOf(one),
      stagedHints: one.hints?.chunks.staged,
    })
  return components
}

function namedBy({ chunks, earlier }: Captured): StoredComponent['chunks'] {
  return chunks?.used ?? earlier?.chunks ?? new Map()
}

function hintsOf({ hints, earlier }: Captured): StoredHints | undefined {
  return hints === undefined ? earlier?.hints : { root: hints.root, chunks: hints.chunks.used }
}

/** Does the snapshot that is there hold every component that we could give? */
export function addsNothing(mine: ReadonlyMap<string, unknown>, committed: LoadedSnapshot): boolean {
  return [...mine.keys()].every((component) => committed.document.components.has(component))
}

/** Where each component is believed that is not, in a snapshot of these. */
export function believedElsewhere(
  trusted: CaptureStart['trusted'],
  components: ReadonlyMap<string, ComponentToSeal>,
): Map<string, SnapshotId> {
  const known = new Map<string, SnapshotId>()
  for (const [component, { id }] of trusted) {
    const here = components.get(component)
    if (here === undefined || here.record.suspect !== undefined) known.set(component, id)
  }
  return known
}
