/** What of a snapshot cannot be planned because it is damaged in the store: told as something that cannot be restored, by name or as a range of names. */
import type { ComponentWriter } from '../components/writer.ts'
import type { LostRange } from '../repository/repository.ts'
import type { SnapshotId } from '../repository/snapshot.ts'
import { compareKeys, encodeKey, formatKey } from '../resources/key.ts'
import type { ResourceKey } from '../resources/key.ts'
import type { PlanItem } from './planned-item.ts'

const REMEDY =
  'Run `toriki check --read-data` to see what is hit; an earlier snapshot (`--snapshot`, `--at`) may have it whole.'

/** Of one thing whose place is known. */
export const DAMAGED_REASON = `What is stored of it is damaged. ${REMEDY}`

/** Ranges of keys of which nothing can be read. */
export class LostKeys {
  #ranges: LostRange[] = []
  readonly #ones: ResourceKey[] = []

  readonly add = (range: LostRange): void => {
    if (range.until === undefined) this.#ranges = [range]
    // Two walks of one map tell the same; and behind all there is nothing more to tell.
    else if (
      !this.#ranges.some(
        (one) => one.until === undefined || (isSame(one.after, range.after) && isSame(one.until, range.until)),
      )
    )
      this.#ranges.push(range)
  }

  /** A single one that cannot be compared. */
  addOne(key: ResourceKey): void {
    this.#ones.push(key)
  }

  has(key: ResourceKey): boolean {
    return this.#ranges.some(
      ({ after, until }) =>
        (after === undefined || compareKeys(key, after) > 0) && (until === undefined || compareKeys(key, until) <= 0),
    )
  }

  /** Resources in all of them; of `total` where nobody can tell. */
  count(total: number): number {
    return Math.min(
      total,
      this.#ranges.reduce((sum, { entries }) => sum + (entries ?? total), 0),
    )
  }

  *items({ name, kinds }: ComponentWriter): Generator<PlanItem> {
    for (const key of this.#ones)
      yield { component: name, key: key.toString('base64url'), action: 'cannot', reason: DAMAGED_REASON }
    for (const range of this.#ranges) {
      const key = range.until ?? encodeKey(kinds[0] ?? 'entry')
      yield { component: name, key: key.toString('base64url'), action: 'cannot', reason: reasonOf(range) }
    }
  }
}

/** A newer snapshot that does not open, where an older one is taken. */
export function passedOverItem({ name, kinds }: ComponentWriter, broken: SnapshotId, taken: SnapshotId): PlanItem {
  return {
    component: name,
    key: encodeKey(kinds[0] ?? 'entry').toString('base64url'),
    action: 'cannot',
    reason: `The newer snapshot ${broken} is damaged and cannot be read: this is restored as of ${taken}. ${REMEDY}`,
  }
}

function reasonOf({ after, until, entries }: LostRange): string {
  if (until === undefined) return `Nothing of this can be read: what is stored of it is damaged. ${REMEDY}`
  const from = after === undefined ? 'up to this one' : `behind ${formatKey(after)}, up to this one,`
  const many = entries === undefined ? 'What is stored' : entries === 1 ? 'One resource' : `${entries} resources`
  return `${many} ${from} cannot be read: the part of the list that names them is damaged. ${REMEDY}`
}

function isSame(a: ResourceKey | undefined, b: ResourceKey | undefined): boolean {
  return a === undefined || b === undefined ? a === b : a.equals(b)
}
