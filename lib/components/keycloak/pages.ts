/** A list that comes in pages, to its end. For lists that hardly ever change while they are read; people are listed by `people.ts`. */
import { TorikiError } from '../../errors.ts'

export interface Paging<T> {
  /** The page that begins with entry `first`, of at most `max` entries. */
  readonly page: (first: number, max: number) => Promise<readonly T[]>
  /** What makes an entry itself: the same one twice means that the list moved. */
  readonly identity: (entry: T) => string
  /** The source's own count, where it has one. */
  readonly count?: () => Promise<number>
  /** Take a page that is shorter than asked for as the last: for small lists that are asked for ten thousand times. */
  readonly shortPageEnds?: boolean
}

/** Always asked for in words: Keycloak's own defaults are 10 here and 100 there. */
const PAGE_ENTRIES = 200
/** Runs over a list that moves. */
const PASSES_MAX = 5

/**
 * All entries. A page shorter than what was asked for is the last only where a count proves it or the
 * caller says so; else an empty one is. An entry twice, or a count that
 * differs, begins anew.
 * @throws TorikiError `source-moving` when it moved each time.
 */
export async function readPages<T>({ page, identity, count, shortPageEnds = false }: Paging<T>): Promise<readonly T[]> {
  for (let pass = 0; pass < PASSES_MAX; pass++) {
    const entries = new Map<string, T>()
    let read = 0
    let isWhole = false
    for (;;) {
      const got = await page(read, PAGE_ENTRIES)
      // A version that has no pages here answers everything at once, whatever is asked for.
      isWhole =
        got.length > PAGE_ENTRIES ||
        (read > 0 && got.length === read && got.every((entry) => entries.has(identity(entry))))
      if (isWhole) entries.clear()
      read = isWhole ? got.length : read + got.length
      for (const entry of got) entries.set(identity(entry), entry)
      if (
        isWhole ||
        got.length === 0 ||
        entries.size < read ||
        ((count !== undefined || shortPageEnds) && got.length < PAGE_ENTRIES)
      )
        break
    }
    if (entries.size === read && (count === undefined || (await count()) === read)) return [...entries.values()]
  }
  throw new TorikiError('source-moving')
}
