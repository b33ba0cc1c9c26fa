/** What was not as it should be, as a step keeps it: so many with their names, and of more how many. */
import type { Finding } from './slice-log.ts'

const FINDINGS_MAX = 1000

export class FindingList {
  readonly #findings: Finding[] = []
  total = 0

  static async of(findings: AsyncIterable<Finding>): Promise<FindingList> {
    const list = new FindingList()
    for await (const finding of findings) list.add(finding)
    return list
  }

  add(finding: Finding): void {
    this.total++
    if (this.#findings.length < FINDINGS_MAX) this.#findings.push(finding)
  }

  get said(): { readonly findings: readonly Finding[]; readonly more?: number } {
    const more = this.total - this.#findings.length
    return { findings: [...this.#findings], ...(more === 0 ? {} : { more }) }
  }
}
