/** What a plan says, gathered for people in one pass and little memory: counts, the first differences, and sentences that many people share, each once with a count. */
import { formatKey } from '../../resources/key.ts'
import { parseSlice } from '../../resources/slice.ts'
import type { RootPlan } from '../../restore/root-plan.ts'
import { readRequest, requestedSlices } from '../../restore/restore-request.ts'
import type { RestoreRequest } from '../../restore/restore-request.ts'
import type { RestoreService } from '../../restore/service.ts'
import type { ShownValue } from '../../restore/shown-values.ts'
import { NOTHING } from '../../restore/plan-counts.ts'
import { findSlicePlan, planParts } from '../../restore/slice-plan.ts'
import type { PlanItem } from '../../restore/planned-item.ts'
import type { SlicePlan } from '../../restore/slice-plan.ts'
import { FoldedCreates } from './folded-creates.ts'
import { SharedSentences } from './shared-sentences.ts'
import type { SharedSentence } from './shared-sentences.ts'

export interface PlanView {
  readonly root: RootPlan
  /** The first few, in the plan's order. */
  readonly slices: readonly string[]
  readonly snapshots: readonly ViewedSnapshot[]
  readonly components: ReadonlyMap<string, ComponentCounts>
  readonly creates: Pick<FoldedCreates, 'lines' | 'more'>
  readonly changes: { readonly lines: readonly ViewedChange[]; readonly more: number }
  readonly deletes: { readonly lines: readonly ViewedChange[]; readonly more: number }
  readonly cannot: readonly SharedSentence[]
  readonly left: readonly SharedSentence[]
  readonly lost: readonly SharedSentence[]
  readonly privileged: readonly SharedSentence[]
  readonly needsPerson: readonly SharedSentence[]
  /** Where files go beside what is there: the folder, and in how many homes and shared directories. */
  readonly folders: ReadonlyMap<string, number>
  readonly notes: readonly SharedSentence[]
  /** Components that are configured and not stored of somebody: nothing of them comes back. */
  readonly missing: readonly SharedSentence[]
  /** Restored into another deployment. */
  readonly target: string | undefined
  readonly failures: readonly SharedSentence[]
}

export interface ViewedSnapshot {
  readonly slice: string
  readonly id: string
  readonly components: readonly string[]
}

export interface ViewedChange {
  readonly slice: string
  readonly component: string
  /** As people write it. */
  readonly key: string
  readonly fields: readonly string[]
  readonly values: readonly ShownValue[]
}

export interface ComponentCounts {
  create: number
  update: number
  delete: number
  cannot: number
  left: number
  keep: number
  bytes: number
}

const LINES_MAX = 12
const SLICES_SHOWN = 5

/** @throws TorikiError `restore-not-found`, what the store throws. */
export async function viewPlan(service: RestoreService, root: RootPlan): Promise<PlanView> {
  const { records } = service.repository
  const { restore } = root
  const slices: string[] = []
  const snapshots: ViewedSnapshot[] = []
  const components = new Map<string, ComponentCounts>()
  const creates = new FoldedCreates(LINES_MAX, root.slices === 1 ? 1 : 0)
  const [changes, deletes] = [new FirstChanges(), new FirstChanges()]
  const [cannot, left, lost] = [new SharedSentences(), new SharedSentences(), new SharedSentences()]
  const [privileged, needsPerson, failures] = [new SharedSentences(), new SharedSentences(), new SharedSentences()]
  const [notes, missing] = [new SharedSentences(), new SharedSentences()]
  const folders = new Map<string, number>()
  const countsOf = (component: string): ComponentCounts => {
    const counts = components.get(component) ?? { ...NOTHING, bytes: 0 }
    components.set(component, counts)
    return counts
  }
  const take = (slice: string, item: PlanItem): void => {
    const { component, action, bytes = 0 } = item
    const counts = countsOf(component)
    counts[action]++
    if (action !== 'cannot' && action !== 'left') counts.bytes += bytes
    const key = Buffer.from(item.key, 'base64url')
    // Written only where it is shown: a home may have a million.
    const what = (): string => (root.slices === 1 ? '' : `${slice} `) + `${component} ${formatKey(key)}`
    if (action === 'create') creates.add(slice, component, key, bytes)
    else if (action === 'update' || action === 'delete') (action === 'update' ? changes : deletes).add(slice, item)
    else (action === 'cannot' ? cannot : left).add(item.reason ?? 'Nobody said why.', what())
    for (const { field, reason } of item.lost ?? []) lost.add(reason, `${what()} ${field}`)
    if (item.privileged === true && action !== 'cannot')
      privileged.add('Granted again, as asked for with --privileged.', what())
    for (const sentence of item.needsPerson ?? []) needsPerson.add(sentence, slice)
  }
  const request = await readRequest(records, restore)
  for await (const { slice, sliceId, to } of requestedSlices(records, request)) {
    if (slices.length < SLICES_SHOWN) slices.push(to === undefined ? slice : `${slice} as ${to}`)
    const plan = await findSlicePlan(records, { restore, sliceId })
    if (plan === undefined) continue
    if (plan.failed !== undefined) failures.add(plan.failed.message, slice, plan.failed)
    for (const note of plan.notes ?? []) notes.add(note, slice)
    if (plan.folder !== undefined) folders.set(plan.folder, (folders.get(plan.folder) ?? 0) + 1)
    snapshots.push(...snapshotsOf(plan))
    for (const [component, { keep }] of Object.entries(plan.components)) countsOf(component).keep += keep
    for (const component of notStored(service, request, plan)) missing.add(`${component} is not in the snapshot`, slice)
    for await (const part of planParts(records, { restore, sliceId })) for (const item of part) take(slice, item)
  }
  return {
    root,
    slices,
    target: request.target?.deployment,
    snapshots,
    components,
    creates,
    changes,
    deletes,
    folders,
    cannot: cannot.all(),
    left: left.all(),
    lost: lost.all(),
    privileged: privileged.all(),
    needsPerson: needsPerson.all(),
    notes: notes.all(),
    missing: missing.all(),
    failures: failures.all(),
  }
}

/** Does it change anything at all? */
export function changesAnything({ counts }: RootPlan): boolean {
  return counts.create + counts.update + counts.delete > 0
}

export function snapshotsOf({ slice, snapshots }: Pick<SlicePlan, 'slice' | 'snapshots'>): readonly ViewedSnapshot[] {
  const byId = new Map<string, string[]>()
  for (const [component, id] of Object.entries(snapshots)) byId.set(id, [...(byId.get(id) ?? []), component])
  return [...byId].map(([id, components]) => ({ slice, id, components }))
}

function notStored(
  { components }: RestoreService,
  request: RestoreRequest,
  { slice, snapshots, failed }: SlicePlan,
): readonly string[] {
  if (failed !== undefined || request.components !== undefined || request.under !== undefined) return []
  if (request.patterns !== undefined) return []
  return components
    .filter((component) => component.covers(parseSlice(slice)) && snapshots[component.name] === undefined)
    .map(({ name }) => name)
}

class FirstChanges {
  readonly lines: ViewedChange[] = []
  more = 0

  add(slice: string, { component, key, fields = [], values = [] }: PlanItem): void {
    if (this.lines.length < LINES_MAX)
      this.lines.push({ slice, component, key: formatKey(Buffer.from(key, 'base64url')), fields, values })
    else this.more++
  }
}
