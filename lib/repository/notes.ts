/** Collects what could not be read, and why: one summary per code, however many resources it concerns. */
import { formatKey } from '../resources/key.ts'
import type { Note } from '../resources/resource.ts'
import type { NoteCollection } from './repository.ts'
import type { NoteSummary } from './snapshot.ts'

const EXAMPLES_MAX = 5
/** A longer key is cut in the example: a path may be endless, a snapshot's record may not. */
const EXAMPLE_LENGTH_MAX = 1024

export class Notes implements NoteCollection {
  readonly #byCode = new Map<
    string,
    { message: string; count: number; bytes: number | undefined; examples: string[] }
  >()

  add({ code, message, key, bytes }: Note): void {
    const examples = key === undefined ? [] : [shorten(formatKey(key))]
    this.merge([{ code, message, count: 1, examples, ...(bytes !== undefined && { bytes }) }])
  }

  /** Takes in the summaries of another collection, as when a continuation goes on from a checkpoint. */
  merge(summaries: readonly NoteSummary[]): void {
    for (const { code, message, count, bytes, examples } of summaries) {
      const summary = this.#byCode.get(code) ?? { message, count: 0, bytes: undefined, examples: [] }
      this.#byCode.set(code, summary)
      summary.count += count
      if (bytes !== undefined) summary.bytes = (summary.bytes ?? 0) + bytes
      summary.examples.push(...examples.slice(0, EXAMPLES_MAX - summary.examples.length))
    }
  }

  /** Ascending by code. */
  summaries(): readonly NoteSummary[] {
    return [...this.#byCode]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([code, { message, count, bytes, examples }]) => ({
        code,
        message,
        count,
        ...(bytes !== undefined && { bytes }),
        examples: [...examples],
      }))
  }
}

function shorten(text: string): string {
  return text.length <= EXAMPLE_LENGTH_MAX ? text : `${text.slice(0, EXAMPLE_LENGTH_MAX).toWellFormed()}…`
}
