/** Sentences that concern many: each once, with a count and the first few whom it concerns. */
import { formatCount } from '../quantities.ts'
import { wrap } from '../table.ts'
import { shownText } from './value-words.ts'

export interface SharedSentence {
  readonly text: string
  readonly count: number
  /** The first few. */
  readonly whom: readonly string[]
  readonly code?: string
  readonly remedy?: string
}

const WHOM_MAX = 5
/** Different sentences; more would be no help to anybody. */
const SENTENCES_MAX = 200

export class SharedSentences {
  readonly #sentences = new Map<string, { count: number; whom: string[]; more: { code?: string; remedy?: string } }>()
  #others = 0

  add(text: string, whom: string, more: { readonly code?: string; readonly remedy?: string } = {}): void {
    const known = this.#sentences.get(text)
    if (known === undefined) {
      if (this.#sentences.size < SENTENCES_MAX) this.#sentences.set(text, { count: 1, whom: [whom], more })
      else this.#others++
      return
    }
    known.count++
    if (known.whom.length < WHOM_MAX && !known.whom.includes(whom)) known.whom.push(whom)
  }

  /** The most frequent first. */
  all(): readonly SharedSentence[] {
    const all = [...this.#sentences].map(([text, { count, whom, more }]) => ({ text, count, whom, ...more }))
    if (this.#others > 0) all.push({ text: 'Other reasons: see them with --json.', count: this.#others, whom: [] })
    return all.sort((a, b) => b.count - a.count)
  }
}

/** `user/ann, user/ben and 10 more`. */
export function whomWords({ whom, count }: Pick<SharedSentence, 'whom' | 'count'>): string {
  const shown = whom.map(shownText).join(', ')
  return count > whom.length ? `${shown} and ${formatCount(count - whom.length)} more` : shown
}

/** One paragraph per sentence: what it says, then whom it concerns. */
export function formatSentences(sentences: readonly SharedSentence[], width: number): string {
  return sentences
    .map((sentence) => {
      const { whom: named, count } = sentence
      const times = count > 1 ? ` (${formatCount(count)} times)` : ''
      const whom = named.length === 0 ? times : ` (${whomWords(sentence)})`
      return hanging(`${shownText(sentence.text)}${whom}`, width, '  - ')
    })
    .join('')
}

/** Wrapped, the first line begun by `first`, the others by as many blanks. */
export function hanging(text: string, width: number, first: string): string {
  const indent = ' '.repeat(first.length)
  return first + wrap(text, width, indent).slice(first.length)
}
