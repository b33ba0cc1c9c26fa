/**
 * Takes back what a restore wrote, from the safety snapshot, in reverse; and only where live still is what was written: somebody may be working there, and what he wrote
 * since is left to him and reported. Reads again what it took back.
 */
import { toTorikiError } from '../errors.ts'
import type { Change } from '../resources/change.ts'
import { formatKey } from '../resources/key.ts'
import { changeOf } from './apply-changes.ts'
import { lookAt } from './live-look.ts'
import type { Look } from './live-look.ts'
import { isSamePrint, printOf } from './resource-print.ts'
import { keyOf, lookRequest, touchedItems, whatDiffers, writerOf } from './slice-work.ts'
import type { SliceWork } from './slice-work.ts'
import type { Finding, RestoreStep } from './slice-log.ts'
import type { PlanItem } from './slice-plan.ts'
import { wantedOf } from './wanted.ts'

type Undoing = Extract<RestoreStep, { step: 'undoing' }>

/** `undone`, or `undo-failed` with what is not as it was. @throws what may pass, while deliveries are left. */
export async function undoChanges(work: SliceWork, safety: Look, undoing: Undoing): Promise<RestoreStep> {
  const { code, why } = undoing
  try {
    const left = await takeBack(work, safety)
    const wrong = await notAsBefore(work, left)
    if (wrong.length > 0) return { step: 'undo-failed', code, why, findings: wrong }
    return { step: 'undone', code, why, findings: [...undoing.findings, ...left] }
  } catch (error) {
    work.delivery.signal.throwIfAborted()
    const failure = toTorikiError(error)
    if (failure.retry !== 'never' && work.delivery.attempt < work.service.limits.attempts) throw error
    const remaining = await notAsBefore(work, []).catch(() => [])
    return { step: 'undo-failed', code: failure.code, why: failure.message, findings: remaining }
  }
}

/** What somebody changed since, and was left. */
async function takeBack(work: SliceWork, safety: Look): Promise<readonly Finding[]> {
  const live = await lookAt(work.service, lookRequest(work))
  const items: PlanItem[] = []
  for await (const item of touchedItems(work)) items.push(item)
  const left: Finding[] = []
  const again: { readonly item: PlanItem; readonly change: Change }[] = []
  const leave = (item: PlanItem): void =>
    void left.push({ component: item.component, key: formatKey(keyOf(item)), what: 'was changed since, and is left' })
  for (const item of items.reverse()) {
    work.delivery.signal.throwIfAborted()
    const found = await resourceOf(live, item)
    if (isSamePrint(found && (await printOf(live.repository, found)), item.before)) continue
    const change = await backwards(work, safety, item)
    const applied = await writerOf(work, item.component).apply(work.slice, change, work.context)
    if (applied.kind === 'conflict') leave(item)
    else if (applied.complete) again.push({ item, change })
  }
  for (const { item, change } of again.reverse())
    await writerOf(work, item.component).complete(work.slice, change, work.context)
  return left
}

/** From what the restore wrote to what was there. The writer tells, member by member, what is neither of both: a restore that was cut off leaves a mixture. */
async function backwards(work: SliceWork, safety: Look, item: PlanItem): Promise<Change> {
  const forwards = await changeOf(work, safety, item)
  const before = await resourceOf(safety, item)
  const { after: wrote } = forwards
  return {
    key: forwards.key,
    ...(wrote === undefined ? {} : { before: { state: item.state ?? wrote.state, kept: wrote.kept } }),
    ...(before === undefined ? {} : { after: await wantedOf(safety.repository, before) }),
  }
}

/** Touched resources that are neither as before nor left to whoever changed them. */
async function notAsBefore(work: SliceWork, left: readonly Finding[]): Promise<readonly Finding[]> {
  const live = await lookAt(work.service, lookRequest(work))
  const isLeft = new Set(left.map(({ component, key }) => `${component} ${key}`))
  const wrong: Finding[] = []
  for await (const item of touchedItems(work)) {
    const key = formatKey(keyOf(item))
    if (isLeft.has(`${item.component} ${key}`)) continue
    const found = await resourceOf(live, item)
    const print = found && (await printOf(live.repository, found))
    if (!isSamePrint(print, item.before))
      wrong.push({ component: item.component, key, what: whatDiffers(item.before, print) })
  }
  return wrong
}

async function resourceOf(
  { repository, snapshot }: Look,
  item: PlanItem,
): Promise<Awaited<ReturnType<Look['repository']['resource']>>> {
  if (snapshot.components[item.component] === undefined) return undefined
  return await repository.resource(snapshot, item.component, keyOf(item))
}
