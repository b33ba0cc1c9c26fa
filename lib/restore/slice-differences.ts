/** Which of the resources that a plan touches are not as they should be. */
import { formatKey } from '../resources/key.ts'
import type { ResourceFinder } from '../repository/repository.ts'
import type { Look } from './live-look.ts'
import { changedKept, isSamePrint, wholePrintAtOnce, wholePrintOf } from './resource-print.ts'
import type { ResourcePrint } from './resource-print.ts'
import { keyOf } from './slice-work.ts'
import type { Finding } from './slice-log.ts'
import type { PlanItem } from './planned-item.ts'

/** Absent: nothing. `unreadable`: what is stored of it cannot be read, so nobody can tell. */
export type Expected = ResourcePrint | 'unreadable' | undefined

export interface DifferingItem {
  readonly item: PlanItem
  readonly expected: Expected
  /** As it was found; absent: it is not there. */
  readonly found: ResourcePrint | undefined
}

/** In the order of `items`. `isProven`: nobody needs to look at it. */
export async function* differingItems(
  { repository, snapshot }: Look,
  expectedOf: (item: PlanItem) => Expected | Promise<Expected>,
  items: AsyncIterable<readonly PlanItem[]>,
  isProven: (item: PlanItem) => boolean = () => false,
): AsyncGenerator<DifferingItem> {
  const finders = new Map<string, ResourceFinder>()
  for await (const part of items)
    for (const item of part) {
      if (isProven(item)) continue
      let finder = finders.get(item.component)
      if (finder === undefined) finders.set(item.component, (finder = repository.finder(snapshot, item.component)))
      // Most answers come at once.
      const finding = finder.find(keyOf(item))
      const stored = finding instanceof Promise ? await finding : finding
      const found = stored && (wholePrintAtOnce(stored) ?? (await wholePrintOf(repository, stored)))
      const asked = expectedOf(item)
      const expected = asked instanceof Promise ? await asked : asked
      if (expected === 'unreadable' || !isSamePrint(found, expected)) yield { item, expected, found }
    }
}

export async function* findings(differing: AsyncIterable<DifferingItem>, surplus: string): AsyncGenerator<Finding> {
  for await (const one of differing) yield findingOf(one, surplus)
}

/** `surplus`: the words for what is there and is not expected. */
export function findingOf({ item, expected, found }: DifferingItem, surplus: string): Finding {
  return { component: item.component, key: formatKey(keyOf(item)), what: whatDiffers(expected, found, surplus) }
}

export function whatDiffers(expected: Expected, found: ResourcePrint | undefined, surplus: string): string {
  if (found === undefined) return 'is not there'
  if (expected === undefined) return surplus
  if (expected === 'unreadable') return 'cannot be compared: what is stored of it is damaged'
  if (expected.state !== found.state) return 'differs'
  if (expected.content !== found.content) return 'has another content'
  const kept = changedKept(found, expected)
  return kept.length > 0 ? `did not keep ${kept.join(', ')}` : 'has another secret'
}
