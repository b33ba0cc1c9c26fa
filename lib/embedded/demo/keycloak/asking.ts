/** One request to the stand-in: who asks, for what; and what it may be answered with. */
import type { DemoRealm } from './realm.ts'
import type { DemoVersion, Quirks } from './version.ts'

export interface Asking {
  readonly realm: DemoRealm
  readonly version: DemoVersion
  readonly quirks: Quirks
  readonly query: URLSearchParams
  /** Has the caller this role of realm-management? */
  readonly may: (role: string) => boolean
}

/** An answer that is none: what the real server says then. */
export class Refusal extends Error {
  readonly status: number
  readonly body: string

  constructor(status: number, body: object) {
    super(String(status))
    this.status = status
    this.body = JSON.stringify(body)
  }
}

export const forbidden = (): Refusal => new Refusal(403, { error: 'HTTP 403 Forbidden' })
export const missing = (error: string): Refusal => new Refusal(404, { error })

/** @throws Refusal 403 */
export function need({ may }: Asking, ...roles: readonly string[]): void {
  if (!roles.some(may)) throw forbidden()
}

/** `first` and `max` of the query, with the server's own default for `max`; a negative `max` means all. */
export function pageOf<T>(entries: readonly T[], { query }: Asking, maxDefault: number): readonly T[] {
  const first = Number(query.get('first') ?? 0)
  const max = Number(query.get('max') ?? maxDefault)
  return max < 0 ? entries.slice(first) : entries.slice(first, first + max)
}

export const MASK = '**********'
