/** What is still to be done by hand where a restore could not be taken back: each resource that is not as it was, and what brings it there. Reads only. */
import { formatKey } from '../resources/key.ts'
import type { Look } from './live-look.ts'
import { lookAt } from './live-look.ts'
import { differingItems, whatDiffers } from './slice-differences.ts'
import { isSamePrint, printWith } from './resource-print.ts'
import type { ResourcePrint } from './resource-print.ts'
import { SliceChanges } from './slice-changes.ts'
import { keyOf, lookRequest, touched } from './slice-work.ts'
import type { SliceWork } from './slice-work.ts'
import type { Finding } from './slice-log.ts'
import type { PlanItem } from './planned-item.ts'

/** Exact at this moment. `isLeft`: belongs to somebody who worked there since. */
export async function* remaining(
  work: SliceWork,
  safety: Look,
  isLeft: (item: PlanItem) => boolean,
): AsyncGenerator<Finding> {
  const live = await lookAt(work.service, lookRequest(work))
  const changes = new SliceChanges(work, safety)
  for await (const { item, found } of differingItems(live, ({ before }) => before, touched(work)))
    if (!isLeft(item) && !(await isAsFarAsCan(work, changes, item, found)))
      yield {
        component: item.component,
        key: formatKey(keyOf(item)),
        what: whatDiffers(item.before, found, 'is there, and was not before the restore'),
        todo: todoOf(work, safety, item, found),
      }
}

/** Is it as it was but for what this machine cannot set (where native calls lack, a time is rounded)? */
async function isAsFarAsCan(
  { slice, context, ...work }: SliceWork,
  changes: SliceChanges,
  item: PlanItem,
  found: ResourcePrint | undefined,
): Promise<boolean> {
  const before = found && (await changes.before(item))
  if (before === undefined) return false
  const writer = work.service.writers.find(({ name }) => name === item.component)
  const forecast = await writer?.foresee(slice, await changes.backwards(item), context)
  return (
    forecast?.kind === 'will' && forecast.state !== undefined && isSamePrint(found, printWith(forecast.state, before))
  )
}

/** All that was touched, where nobody can tell how it is. */
export async function* unread(work: SliceWork, safety: Look, why: string): AsyncGenerator<Finding> {
  for await (const part of touched(work))
    for (const item of part)
      yield {
        component: item.component,
        key: formatKey(keyOf(item)),
        what: `could not be read: ${why}`,
        todo:
          item.before === undefined ? `See that it is not there.` : `See that it is as ${shownBy(work, safety, item)}.`,
      }
}

function todoOf(work: SliceWork, safety: Look, item: PlanItem, found: ResourcePrint | undefined): string {
  if (item.before === undefined) return 'Remove it: it was not there before the restore.'
  const shown = shownBy(work, safety, item)
  return found === undefined ? `Make it again, as ${shown}.` : `Set it back to what ${shown}.`
}

function shownBy({ plan }: SliceWork, { snapshot }: Look, { component, key }: PlanItem): string {
  const written = formatKey(Buffer.from(key, 'base64url'))
  return `\`toriki cat ${plan.slice}@${snapshot.id} ${component} ${written}\` shows`
}
