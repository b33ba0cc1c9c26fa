/** Which of the resources that a plan touches are not as they should be. */
import { formatKey } from '../resources/key.ts'
import type { ResourceFinder } from '../repository/repository.ts'
import type { Look } from './live-look.ts'
import { changedKept, isSamePrint, wholePrintAtOnce, wholePrintOf } from './resource-print.ts'
import type { ResourcePrint } from './resource-print.ts'
import { keyOf } from './slice-work.ts'
import type { Finding } from './slice-log.ts'
import type { PlanItem } from './slice-plan.ts'

export interface DifferingItem {
  readonly item: PlanItem
  /** As it was found; absent: it is not there. */
  readonly found: ResourcePrint | undefined
}

/** In the order of `items`. */
export async function* differingItems(
  { repository, snapshot }: Look,
  expected: (item: PlanItem) => ResourcePrint | undefined,
  items: AsyncIterable<readonly PlanItem[]>,
): AsyncGenerator<DifferingItem> {
  const finders = new Map<string, ResourceFinder>()
  for await (const part of items)
    for (const item of part) {
      let finder = finders.get(item.component)
      if (finder === undefined) finders.set(item.component, (finder = repository.finder(snapshot, item.component)))
      // Most answers come at once.
      const finding = finder.find(keyOf(item))
      const stored = finding instanceof Promise ? await finding : finding
      const found = stored && (wholePrintAtOnce(stored) ?? (await wholePrintOf(repository, stored)))
      if (!isSamePrint(found, expected(item))) yield { item, found }
    }
}

export async function* findings(
  differing: AsyncIterable<DifferingItem>,
  expected: (item: PlanItem) => ResourcePrint | undefined,
  surplus: string,
): AsyncGenerator<Finding> {
  for await (const one of differing) yield findingOf(one, expected, surplus)
}

export function findingOf(
  { item, found }: DifferingItem,
  expected: (item: PlanItem) => ResourcePrint | undefined,
  surplus: string,
): Finding {
  return { component: item.component, key: formatKey(keyOf(item)), what: whatDiffers(expected(item), found, surplus) }
}

/** `surplus`: the words for what is there and is not expected. */
export function whatDiffers(
  expected: ResourcePrint | undefined,
  found: ResourcePrint | undefined,
  surplus: string,
): string {
  if (found === undefined) return 'is not there'
  if (expected === undefined) return surplus
  if (expected.state !== found.state) return 'differs'
  if (expected.content !== found.content) return 'has another content'
  const kept = changedKept(found, expected)
  return kept.length > 0 ? `did not keep ${kept.join(', ')}` : 'has another secret'
}
