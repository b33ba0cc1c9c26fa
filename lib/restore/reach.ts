/** Which keys a restore of some paths concerns: those at or beneath a named key, and those whose written form a gitignore-like pattern matches. */
import ignore from 'ignore'
import type { Ignore } from 'ignore'
import { compareKeys, decodeKey, encodeKey, formatKey, parseKey } from '../resources/key.ts'
import type { ResourceKey } from '../resources/key.ts'

export interface Selection {
  /** Keys: what is at or beneath one. */
  readonly under?: readonly ResourceKey[]
  /** On written keys: `notes/*.ipynb`, `*.csv`; what lies beneath a match belongs to it. */
  readonly patterns?: readonly string[]
}

/** The library remembers every path it was asked about: a fresh one after so many keeps memory flat. */
const QUESTIONS_MAX = 20_000

/** Texts that people write: a key, or a pattern when it holds `*`, `?` or `[` (`\*` is a star itself). */
export function parsePaths(texts: readonly string[], kinds: readonly string[]): Selection {
  const [under, patterns]: [ResourceKey[], string[]] = [[], []]
  for (const text of texts) {
    if (/(?<!\\)[*?[]/.test(text)) patterns.push(text.replace(/^\.?\/+/, '/').replace(/\/+$/, ''))
    else under.push(parseKey(text.replaceAll(/\\([*?[])/g, '$1').replace(/^\.?\/+(?=.)|(?<=.)\/+$/g, ''), kinds))
  }
  return { ...(under.length === 0 ? {} : { under }), ...(patterns.length === 0 ? {} : { patterns }) }
}

export class Reach {
  readonly #under: readonly ResourceKey[]
  readonly #patterns: readonly string[] | undefined
  readonly isAll: boolean
  #matcher: Ignore
  #questions = 0

  /** Without keys and patterns everything is meant. */
  constructor({ under, patterns }: Selection) {
    this.#under = withoutNested(under ?? [])
    this.#patterns = patterns
    this.isAll = under === undefined && patterns === undefined
    this.#matcher = fresh(patterns)
  }

  /** Where all that is meant lies, ascending, none in another; `undefined`: anywhere. */
  get tops(): readonly ResourceKey[] | undefined {
    return this.isAll || this.#patterns !== undefined ? undefined : this.#under
  }

  has(key: ResourceKey): boolean {
    return this.isAll || this.#under.some((top) => isAtOrBeneath(key, top)) || this.#matches(key)
  }

  #matches(key: ResourceKey): boolean {
    if (this.#patterns === undefined) return false
    if (++this.#questions > QUESTIONS_MAX) {
      this.#matcher = fresh(this.#patterns)
      this.#questions = 0
    }
    return this.#matcher.ignores(formatKey(key))
  }
}

/** A resource that a restore concerns: `in`, or `above`, which one of them lies in and which is only made where it is not there. */
export interface Reached<T> {
  readonly entry: T
  readonly reach: 'in' | 'above'
}

/** What is meant of `entries`, which ascend, and right before it what it lies in. Holds one way from the top. */
export async function* reached<T extends { readonly key: ResourceKey }>(
  entries: AsyncIterable<T>,
  reach: Reach,
): AsyncGenerator<Reached<T>> {
  let above: T[] = []
  for await (const entry of entries) {
    while (above.length > 0 && !isAtOrBeneath(entry.key, (above.at(-1) as T).key)) above.pop()
    if (!reach.has(entry.key)) {
      above.push(entry)
      continue
    }
    for (const one of above) yield { entry: one, reach: 'above' }
    above = []
    yield { entry, reach: 'in' }
  }
}

/** Keys of all that `key` lies in, from the top. */
export function keysAbove(key: ResourceKey): readonly ResourceKey[] {
  const { kind, segments } = decodeKey(key)
  return segments.map((_, length) => encodeKey(kind, segments.slice(0, length)))
}

/** Segments are separated by NUL, which stands nowhere else in a key. */
export function isAtOrBeneath(key: ResourceKey, top: ResourceKey): boolean {
  return (
    key.equals(top) || (key.length > top.length && key[top.length] === 0 && key.subarray(0, top.length).equals(top))
  )
}

function withoutNested(keys: readonly ResourceKey[]): readonly ResourceKey[] {
  const kept: ResourceKey[] = []
  for (const key of keys.toSorted(compareKeys)) if (!kept.some((top) => isAtOrBeneath(key, top))) kept.push(key)
  return kept
}

function fresh(patterns: readonly string[] = []): Ignore {
  return ignore({ ignorecase: false, allowRelativePaths: true }).add(patterns)
}
