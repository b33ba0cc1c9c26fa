/** The hints of one walk: is the entry at hand as it is stored, and by what is it told next time? */
import type { JsonObject } from '../../resources/json.ts'
import type { ResourceKey } from '../../resources/key.ts'
import type { KnownEntries } from '../../resources/known-entries.ts'
import type { Resource } from '../../resources/resource.ts'
import type { ReadContext } from '../component.ts'
import type { EntryStat } from './entry-stat.ts'
import type { FirstNames } from './first-names.ts'
import { hintOf, isHinted, isSettled, passingHintOf } from './hint.ts'
import type { HintOptions } from './hint.ts'
import type { Visit } from './walk.ts'

const NATIVE_HINT: HintOptions = { isNative: true }
const PATH_HINT: HintOptions = { isNative: false }
const NOTHING: JsonObject = {}
const NONE = (): undefined => undefined

export class EntryHints {
  readonly #isNative: boolean
  readonly #isOfLook: boolean
  readonly #names: FirstNames
  readonly #context: Pick<ReadContext, 'known' | 'clock'>
  /** Of the entry at hand: something had to be said of it, so it is looked at again next time. */
  isNoted = false
  /** Of the entry at hand, once it was looked for: the first name of the same file, where that is another. */
  #first: { readonly name: string | undefined } | undefined

  /** `isOfLook`: nobody compares with it next time. */
  constructor(isNative: boolean, names: FirstNames, context: Pick<ReadContext, 'known' | 'clock'>, isOfLook: boolean) {
    this.#isOfLook = isOfLook
    this.#isNative = isNative
    this.#names = names
    this.#context = context
  }

  /** Begins with the next entry: as it is stored, if it looks as it did then. */
  unchanged({ finding, key, stat }: Visit): Resource | undefined | Promise<Resource | undefined> {
    const { known } = this.#context
    this.isNoted = false
    this.#first = undefined
    if (known === undefined || finding !== 'entry' || stat === undefined || !isHinted(stat)) return undefined
    if (stat.type === 'file' && stat.links > 1) return this.#unchangedLink(known, stat, key)
    const answer = known.matches(key, passingHintOf(stat, this.#options(stat)))
    if (answer === false) return undefined
    const resource: Resource = { key, state: NOTHING, unchanged: true, hint: () => this.#hint(stat) }
    return answer === true ? resource : answer.then((matches) => (matches ? resource : undefined))
  }

  /** Of an entry that was read whole, and of which nothing had to be noted. */
  after(stat: EntryStat): Buffer | undefined {
    return this.#hasHint(stat) ? this.#hint(stat) : undefined
  }

  /** The same of a file of one name, to be made when it is asked for: good until the next one is. */
  soonAfter(stat: EntryStat): () => Buffer | undefined {
    return this.#hasHint(stat) ? () => passingHintOf(stat, this.#options(stat)) : NONE
  }

  #hasHint(stat: EntryStat): boolean {
    return !this.#isOfLook && !this.isNoted && isHinted(stat) && isSettled(stat, this.#context.clock.now())
  }

  /** Of a file with several names, the entry at hand: its first one, where that is another. */
  async firstName(stat: EntryStat, key: ResourceKey): Promise<string | undefined> {
    this.#first ??= { name: await this.#names.first(stat, key) }
    return this.#first.name
  }

  async #unchangedLink(known: KnownEntries, stat: EntryStat, key: ResourceKey): Promise<Resource | undefined> {
    await this.firstName(stat, key)
    const hint = this.#hint(stat)
    return (await known.matches(key, hint)) ? { key, state: NOTHING, unchanged: true, hint: () => hint } : undefined
  }

  #hint(stat: EntryStat): Buffer {
    return hintOf(stat, this.#options(stat))
  }

  #options(stat: EntryStat): HintOptions {
    if (stat.type !== 'file' || stat.links === 1) return this.#isNative ? NATIVE_HINT : PATH_HINT
    return { isNative: this.#isNative, first: this.#first?.name ?? '' }
  }
}
