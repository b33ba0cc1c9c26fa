/** The members that every version of Keycloak takes: one that it does not know is an error to it, and is lost. */
import type { JsonObject } from '../../../resources/json.ts'
import type { Fitted } from './shared-writing.ts'

export function knownMembers(wanted: JsonObject, members: ReadonlySet<string>): Fitted {
  const lost = Object.keys(wanted)
    .filter((name) => !members.has(name))
    .map((field) => ({ field, reason: 'This version of Keycloak does not know it.' }))
  return { state: Object.fromEntries(Object.entries(wanted).filter(([name]) => members.has(name))), lost }
}
