/** Is a live person one that a change, cut off anywhere, can leave? */
import type { JsonObject } from '../../../resources/json.ts'
import { strangeMembers } from './between.ts'
import { isSameCredential, orderedCredentials, personOf } from './person-state.ts'

/** The members that are neither as before, nor as wanted, nor on the way. Credentials are a set here: their names and places move while one is made, removed or put in order. */
export function strangeOf(live: JsonObject, before: JsonObject, after: JsonObject): readonly string[] {
  const { credentials: _live, ...now } = live
  const { credentials: _before, ...was } = before
  const { credentials: _after, ...will } = after
  const strange = strangeMembers(now, was, will)
  return areCredentialsBetween(live, before, after) ? strange : [...strange, 'credentials'].sort()
}

function areCredentialsBetween(...sides: readonly [JsonObject, JsonObject, JsonObject]): boolean {
  const [now, was, will] = sides.map((side) =>
    orderedCredentials(personOf(side).credentials).map(({ credential }) => credential),
  )
  const has = (all: typeof now = [], one: NonNullable<typeof now>[number]): boolean =>
    all.some((other) => isSameCredential(one, other))
  return (
    (now ?? []).every((one) => has(was, one) || has(will, one)) &&
    (was ?? []).every((one) => !has(will, one) || has(now, one))
  )
}
