/** A plan as the contract's one JSON document, written item by item: a deployment's plan may not fit into memory. */
import { formatKey } from '../../resources/key.ts'
import { readRequest, requestedSlices } from '../../restore/restore-request.ts'
import type { RootPlan } from '../../restore/root-plan.ts'
import type { RestoreService } from '../../restore/service.ts'
import { findSlicePlan, planItems } from '../../restore/slice-plan.ts'
import type { PlanItem } from '../../restore/planned-item.ts'
import type { Terminal } from '../terminal.ts'
import { snapshotsOf } from './view-plan.ts'

/** Resolves when stdout has taken all of it. */
export async function writePlanJson(terminal: Terminal, service: RestoreService, root: RootPlan): Promise<void> {
  const { records } = service.repository
  const { restore, hash, counts } = root
  const snapshots: string[] = []
  const needsPerson: object[] = []
  const failures: object[] = []
  const folders = new Set<string>()
  const notes = new Set<string>()
  let text = `{\n  "plan": ${JSON.stringify(restore)},\n  "hash": ${JSON.stringify(hash)},\n  "changes": ${inner(counts)},\n  "items": [`
  let isFirst = true
  for await (const { slice, sliceId } of requestedSlices(records, await readRequest(records, restore))) {
    const plan = await findSlicePlan(records, { restore, sliceId })
    if (plan === undefined) continue
    if (plan.failed !== undefined) failures.push({ slice, ...plan.failed })
    if (plan.folder !== undefined) folders.add(plan.folder)
    for (const note of plan.notes ?? []) notes.add(note)
    snapshots.push(...snapshotsOf(plan).map(({ id }) => `${slice}@${id}`))
    for await (const item of planItems(records, { restore, sliceId })) {
      text += `${isFirst ? '' : ','}\n    ${JSON.stringify(itemJson(slice, item))}`
      isFirst = false
      for (const sentence of item.needsPerson ?? [])
        needsPerson.push({ slice, component: item.component, key: keyOf(item), what: sentence })
      if (text.length < 65_536) continue
      await terminal.outBytes(Buffer.from(text))
      text = ''
    }
  }
  const snapshot = snapshots.length === 1 ? snapshots[0] : snapshots
  const rest = { needsPerson, snapshot, folders: [...folders], notes: [...notes], failures }
  text += `${isFirst ? '' : '\n  '}],\n${Object.entries(rest)
    .map(([name, value]) => `  ${JSON.stringify(name)}: ${inner(value)}`)
    .join(',\n')}\n}\n`
  await terminal.outBytes(Buffer.from(text))
}

function itemJson(slice: string, item: PlanItem): object {
  const { component, action, fields, reason, values, bytes, lost, privileged } = item
  return {
    slice,
    component,
    key: keyOf(item),
    action,
    ...(fields && { fields }),
    ...(reason === undefined ? {} : { reason }),
    ...(values && { values }),
    ...(bytes === undefined ? {} : { bytes }),
    ...(lost && { lost }),
    ...(privileged === true ? { privileged } : {}),
  }
}

function keyOf({ key }: PlanItem): string {
  return formatKey(Buffer.from(key, 'base64url'))
}

function inner(value: unknown): string {
  return JSON.stringify(value, undefined, 2).replaceAll('\n', '\n  ')
}
