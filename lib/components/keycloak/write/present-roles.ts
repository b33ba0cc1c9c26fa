/** Which of some roles the target has: what refers to one that comes later takes it up when everything is there. */
import * as z from 'zod'
import type { JsonValue } from '../../../resources/json.ts'
import type { Work } from './work.ts'

export interface Roles {
  readonly realmRoles: readonly string[]
  readonly clientRoles: Readonly<Record<string, readonly string[]>>
}

const partsSchema = z.object({
  realm: z.array(z.string()),
  clients: z.record(z.string(), z.array(z.string())),
})

/** Of the members `composites` and `roleScope`, as readers write them. */
export function rolesOf(value: JsonValue | undefined): Roles {
  const { realm, clients } = partsSchema.parse(value ?? { realm: [], clients: {} })
  return { realmRoles: realm, clientRoles: clients }
}

export const NO_PARTS = { realm: [], clients: {} } as const

export async function presentRoles(
  { target, signal }: Work,
  { realmRoles, clientRoles }: Roles,
): Promise<{ readonly present: Roles; readonly isWhole: boolean }> {
  const ofRealm = realmRoles.length === 0 ? new Map() : await target.realmRoles(signal)
  const realm = realmRoles.filter((name) => ofRealm.has(name))
  let isWhole = realm.length === realmRoles.length
  const clients: [string, readonly string[]][] = []
  for (const [clientId, names] of Object.entries(clientRoles)) {
    const known = await target.clientRoles(clientId, signal)
    const there = names.filter((name) => known.has(name))
    isWhole &&= there.length === names.length
    if (there.length > 0) clients.push([clientId, there])
  }
  return { present: { realmRoles: realm, clientRoles: Object.fromEntries(clients) }, isWhole }
}
