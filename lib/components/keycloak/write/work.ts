/** What every kind is written with, and what a kind says of a change before anything is written. */
import type { Change } from '../../../resources/change.ts'
import type { JsonObject } from '../../../resources/json.ts'
import type { Resource } from '../../../resources/resource.ts'
import type { Applied, Forecast, WriteOptions } from '../../writer.ts'
import type { KeycloakClient } from '../client.ts'
import { grantRemedy } from '../failure.ts'
import type { Rights } from '../rights.ts'
import type { Expected } from './expectations.ts'
import type { Target } from './target.ts'

export interface Work {
  readonly client: KeycloakClient
  readonly target: Target
  readonly rights: Rights
  readonly options: WriteOptions
  /** What backups log in with; absent where that is no client. */
  readonly backupClient?: string
  readonly signal: AbortSignal
  /** What this plan makes and removes; empty while it is applied. */
  readonly expected: Expected
  /** The live resource. */
  read(key: Resource['key']): Promise<Resource | undefined>
}

export interface KindWriter {
  readonly kind: string
  foresee(work: Work, change: Change, segments: readonly string[]): Promise<Forecast>
  /** `live`: as it is at this moment. */
  apply(work: Work, change: Change, segments: readonly string[], live: Resource | undefined): Promise<Applied>
  complete?(work: Work, change: Change, segments: readonly string[]): Promise<void>
}

export type Lost = { readonly field: string; readonly reason: string }

export function cannot(code: string, reason: string): Forecast {
  return { kind: 'cannot', code, reason }
}

export function will(
  state: JsonObject | undefined,
  more: {
    readonly keeps?: boolean
    readonly lost?: readonly Lost[]
    readonly needsPerson?: readonly string[]
    readonly privileged?: boolean
  } = {},
): Forecast {
  const { keeps = true, lost = [], needsPerson = [], privileged = false } = more
  return { kind: 'will', ...(state === undefined ? {} : { state }), keeps, lost, needsPerson, privileged }
}

export const NEEDS_PRIVILEGED =
  'It would grant a right to administrate: allow that with --privileged, after a look at who gets it.'

export function rightReason(right: string): string {
  return `Our credentials lack the right ${right}, which this needs. ${grantRemedy([right])}`
}
