/**
 * Takes back what a restore wrote, from the safety snapshot, in reverse; and only where live still is what was written: somebody may be working there, and what he wrote
 * since is left to him and reported. Reads again what it took back.
 */
import { isTorikiError, toTorikiError, TorikiError } from '../errors.ts'
import { formatKey } from '../resources/key.ts'
import { flushWritten } from './apply-changes.ts'
import { FindingList } from './finding-list.ts'
import { unlessDamaged } from './stored-damage.ts'
import { lookAt } from './live-look.ts'
import type { Look } from './live-look.ts'
import { isSamePrint, printOf } from './resource-print.ts'
import { SliceChanges } from './slice-changes.ts'
import { applying, keyOf, lookRequest, undoing, writerOf } from './slice-work.ts'
import type { Pass, SliceWork } from './slice-work.ts'
import type { RestoreStep } from './slice-log.ts'
import type { WatchedWork } from './step-watch.ts'
import type { PlanItem } from './planned-item.ts'
import { remaining, unread } from './remaining-steps.ts'

type Undoing = Extract<RestoreStep, { step: 'undoing' }>

const LEFT = 'was changed since, and is left'

/** `undone`, or `undo-failed` with what is not as it was. @throws TorikiError `restore-overtaken`; what may pass, while deliveries are left. */
export async function undoChanges(work: WatchedWork, safety: Look, begun: Undoing): Promise<RestoreStep> {
  const { code, why } = begun
  // Of everybody who was left something, for what he has is no step that remains.
  const left = new Set<string>()
  const findings = new FindingList()
  for (const finding of begun.findings) findings.add(finding)
  try {
    for (const pass of ['deleted', 'made'] as const)
      for await (const item of takeBack(work, safety, pass)) {
        left.add(`${item.component} ${item.key}`)
        findings.add({ component: item.component, key: formatKey(keyOf(item)), what: LEFT, left: true })
      }
    await flushWritten(work)
    const wrong = await FindingList.of(remaining(work, safety, (item) => left.has(`${item.component} ${item.key}`)))
    if (wrong.total > 0) return { step: 'undo-failed', code, why, ...wrong.said }
    return { step: 'undone', code, why, ...findings.said }
  } catch (error) {
    work.delivery.signal.throwIfAborted()
    if (isTorikiError(error, 'restore-overtaken')) throw error
    const failure = toTorikiError(error)
    if (failure.retry !== 'never' && work.undoAttempt < work.service.limits.attempts) throw error
    return { step: 'undo-failed', code: failure.code, why: failure.message, ...(await whatRemains(work, safety)).said }
  }
}

/** Where the live state cannot even be read, all that was touched remains to be looked at. */
async function whatRemains(work: SliceWork, safety: Look): Promise<FindingList> {
  try {
    return await FindingList.of(remaining(work, safety, () => false))
  } catch (error) {
    work.delivery.signal.throwIfAborted()
    return await FindingList.of(unread(work, safety, toTorikiError(error).message))
  }
}

/** Yields what somebody changed since, and was left. */
async function* takeBack(work: WatchedWork, safety: Look, pass: Pass): AsyncGenerator<PlanItem> {
  if (pass === 'deleted' && work.plan.counts.delete === 0) return
  const changes = new SliceChanges(work, safety)
  const live = await lookAt(work.service, lookRequest(work))
  const finders = new Map(
    Object.keys(live.snapshot.components).map((name) => [name, live.repository.finder(live.snapshot, name)]),
  )
  const again = new Set<number>()
  let place = 0
  for await (const part of undoing(work, pass))
    for (const item of part) {
      work.delivery.signal.throwIfAborted()
      const at = place++
      const found = await finders.get(item.component)?.find(keyOf(item))
      const writer = writerOf(work, item.component)
      if (isSamePrint(found && (await printOf(live.repository, found)), item.before)) {
        if (writer.sweep === undefined) continue
        const change = await unlessDamaged(changes.backwards(item))
        // Nothing was ever written of what cannot be read.
        if (change === undefined) continue
        await work.watch.look()
        await writer.sweep(work.slice, change, work.context)
        continue
      }
      const change = await changes.backwards(item)
      await work.watch.look()
      const applied = await writer.apply(work.slice, change, work.context)
      // What was there before is kept in the safety snapshot.
      if (applied.kind === 'damaged') throw new TorikiError('restore-damaged')
      if (applied.kind === 'conflict') yield item
      else if (applied.complete) again.add(at)
    }
  if (again.size === 0) return
  for await (const part of applying(work, pass))
    for (const item of part) {
      if (!again.has(--place)) continue
      const change = await changes.backwards(item)
      await work.watch.look()
      await writerOf(work, item.component).complete(work.slice, change, work.context)
    }
}
