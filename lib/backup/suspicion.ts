/**
 * Is what was read to be believed? An unmounted volume and an emptied realm read without an error. Every comparison is with the newest state that was
 * believed or accepted, never with a suspect one: the second empty night is as suspect as the first. Pure.
 */
import { canonicalJson } from '../resources/json.ts'
import type { JsonObject } from '../resources/json.ts'

interface ReadState {
  readonly resources: number
  readonly containers: number
  readonly source?: JsonObject
}

/** Why this component of a slice is suspect, or `undefined`. `sourceSuspect`: the reason why the whole source is suspect in this run. */
export function suspicionOf(
  trusted: ReadState | undefined,
  read: ReadState,
  sourceSuspect: string | undefined,
): string | undefined {
  if (sourceSuspect !== undefined) return sourceSuspect
  if (trusted === undefined) return undefined
  if (
    trusted.source !== undefined &&
    read.source !== undefined &&
    canonicalJson(trusted.source) !== canonicalJson(read.source)
  ) {
    return 'The source is not the one that was read before.'
  }
  const before = trusted.resources - trusted.containers
  if (before > 0 && read.resources - read.containers === 0)
    return `There were ${before} entries before, and now there are none.`
  return undefined
}

/** Why a listing of members is suspect: it fell from `before` (the newest believed listing) by more than the share `shrink`. */
export function memberSuspicion(before: number | undefined, now: number, shrink: number): string | undefined {
  if (before === undefined || before - now <= before * shrink) return undefined
  return `Its members fell from ${before} to ${now}.`
}
