/**
 * The items of one component's plan, in the order in which they are kept: what is made, in the order of applying; then what is deleted, against it, since deletes are applied from the
 * last to the first. A component with one kind streams; those of others, which are few, are held and sorted by kind.
 */
import { isTorikiError } from '../errors.ts'
import type { WriteContext } from '../components/writer.ts'
import { compareKeys, decodeKey, formatKey } from '../resources/key.ts'
import type { Slice } from '../resources/slice.ts'
import type { Look } from './live-look.ts'
import { DAMAGED_REASON, LostKeys, passedOverItem } from './lost-keys.ts'
import { differencesToDelete, differencesToMake } from './plan-differences.ts'
import type { Difference, Wanted } from './plan-differences.ts'
import { planItem } from './plan-item.ts'
import type { Source } from './plan-sources.ts'
import type { Reach } from './reach.ts'
import type { PlanItem } from './slice-plan.ts'
import { isDamage } from './stored-damage.ts'

export interface Proposal {
  readonly look: Look
  readonly source: Source
  readonly reach: Reach
  /** Live. */
  readonly slice: Slice
  readonly deleteExtra: boolean
  readonly context: WriteContext
}

export async function* proposedItems(proposal: Proposal, wanted: Wanted): AsyncGenerator<PlanItem> {
  const { look, source, reach, deleteExtra } = proposal
  const { kinds } = source.writer
  const rank = ({ key }: Difference): number => kinds.indexOf(decodeKey(key).kind)
  for (const broken of source.passedOver) yield passedOverItem(source.writer, broken, source.snapshot.id)
  const lost = new LostKeys()
  const toMake = differencesToMake(look, source, reach, wanted, lost)
  if (kinds.length === 1) {
    for await (const difference of toMake) {
      const item = await ask(proposal, difference)
      if (item !== undefined) yield item
    }
  } else {
    const made = (await all(toMake)).sort((a, b) => rank(a) - rank(b) || compareKeys(a.key, b.key))
    // Something may refer to what comes after it.
    const planned = new Set(made.map(({ key }) => formatKey(key)))
    for (const difference of made) {
      const item = await ask({ ...proposal, context: { ...proposal.context, planned } }, difference)
      if (item !== undefined) yield item
    }
  }
  yield* lost.items(source.writer)
  if (!deleteExtra) return
  const toDelete = differencesToDelete(look, source, reach)
  if (kinds.length === 1) {
    for await (const difference of toDelete) {
      const item = await ask(proposal, difference)
      if (item !== undefined) yield item
    }
    return
  }
  const items: PlanItem[] = []
  // Asked as they are applied.
  for (const difference of (await all(toDelete)).sort((a, b) => rank(b) - rank(a) || compareKeys(b.key, a.key))) {
    const item = await ask(proposal, difference)
    if (item !== undefined) items.push(item)
  }
  yield* items.reverse()
}

async function ask({ look, source, slice, context }: Proposal, difference: Difference): Promise<PlanItem | undefined> {
  try {
    return await planItem(look.repository, source, slice, difference, context)
  } catch (error) {
    if (!isDamage(error) && !isTorikiError(error, 'restore-damaged')) throw error
    const { key, after } = difference
    return {
      component: source.writer.name,
      key: key.toString('base64url'),
      ...(after === undefined || after.key.equals(key) ? {} : { from: after.key.toString('base64url') }),
      action: 'cannot',
      reason: DAMAGED_REASON,
    }
  }
}

async function all(differences: AsyncIterable<Difference>): Promise<Difference[]> {
  const held: Difference[] = []
  for await (const difference of differences) held.push(difference)
  return held
}
