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
import type { PlanItem } from './planned-item.ts'
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

/** Some at a time. */
export async function* proposedItems(proposal: Proposal, wanted: Wanted): AsyncGenerator<readonly PlanItem[]> {
  const { look, source, reach, deleteExtra } = proposal
  const { kinds } = source.writer
  const rank = ({ key }: Difference): number => kinds.indexOf(decodeKey(key).kind)
  yield source.passedOver.map((broken) => passedOverItem(source.writer, broken, source.snapshot.id))
  const lost = new LostKeys()
  const toMake = differencesToMake(look, source, reach, wanted, lost)
  if (kinds.length === 1) for await (const differences of toMake) yield await askAll(proposal, differences)
  else {
    const made = (await all(toMake)).sort((a, b) => rank(a) - rank(b) || compareKeys(a.key, b.key))
    // Something may refer to what comes after it.
    const planned = new Set(made.map(({ key }) => formatKey(key)))
    yield await askAll({ ...proposal, context: { ...proposal.context, planned } }, made)
  }
  yield [...lost.items(source.writer)]
  if (!deleteExtra) return
  const toDelete = differencesToDelete(look, source, reach)
  if (kinds.length === 1) for await (const differences of toDelete) yield await askAll(proposal, differences)
  // Asked as they are applied.
  else {
    const deleted = (await all(toDelete)).sort((a, b) => rank(b) - rank(a) || compareKeys(b.key, a.key))
    yield (await askAll(proposal, deleted)).reverse()
  }
}

/** One after the other: an answer may count on those before it. */
async function askAll(proposal: Proposal, differences: readonly Difference[]): Promise<PlanItem[]> {
  const items: PlanItem[] = []
  for (const difference of differences) {
    const asked = ask(proposal, difference)
    // Most answers come at once.
    const item = asked instanceof Promise ? await asked : asked
    if (item !== undefined) items.push(item)
  }
  return items
}

function ask(proposal: Proposal, difference: Difference): PlanItem | undefined | Promise<PlanItem | undefined> {
  const { look, source, slice, context } = proposal
  try {
    const item = planItem(look.repository, source, slice, difference, context)
    return item instanceof Promise ? item.catch((error: unknown) => ofDamage(source, difference, error)) : item
  } catch (error) {
    return ofDamage(source, difference, error)
  }
}

/** @throws `error` where it says nothing of damage. */
function ofDamage({ writer }: Source, { key, after }: Difference, error: unknown): PlanItem {
  if (!isDamage(error) && !isTorikiError(error, 'restore-damaged')) throw error
  return {
    component: writer.name,
    key: key.toString('base64url'),
    ...(after === undefined || after.key.equals(key) ? {} : { from: after.key.toString('base64url') }),
    action: 'cannot',
    reason: DAMAGED_REASON,
  }
}

async function all(differences: AsyncIterable<readonly Difference[]>): Promise<Difference[]> {
  const held: Difference[] = []
  for await (const some of differences) held.push(...some)
  return held
}
