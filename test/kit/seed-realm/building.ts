import { isAtLeast } from '../servers/keycloak-install.ts'
import type { AdminRest } from '../servers/admin-rest.ts'

/** The realm that Nebari makes. */
export const REALM = 'nebari'

/** `A`: unmanaged user attributes are allowed, as in Nebari. `B`: the policy is off, so attributes that were imported lie hidden in the database. */
export type Variant = 'A' | 'B'

/** What the blocks of the seed need to know of the realm they build. */
export interface Building {
  readonly rest: AdminRest
  /** Keycloak's version, such as `26.7.4`. */
  readonly version: string
  readonly variant: Variant
  /** Organizations are on: 26 and newer only. */
  readonly organizations: boolean
  /** More than 100 top-level groups, realm roles and identity providers: past every default page. */
  readonly large: boolean
}

/** Names `prefix-001` to `prefix-<count>`. */
export function numbered(prefix: string, count: number, width = 3): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}-${String(index + 1).padStart(width, '0')}`)
}

export const has26 = (building: Pick<Building, 'version'>): boolean => isAtLeast(building.version, 26)

export interface Named {
  readonly id: string
  readonly name: string
}

/** The id of a client by its client id. Throws when there is none. */
export async function clientUuid(rest: AdminRest, clientId: string): Promise<string> {
  const [client] = await rest.get<{ id: string }[]>(`/${REALM}/clients?clientId=${encodeURIComponent(clientId)}`)
  if (client === undefined) throw new Error(`The seed realm has no client ${clientId}.`)
  return client.id
}

/** Realm roles as the role-mapping calls want them, by name. */
export async function realmRoles(rest: AdminRest, names: readonly string[]): Promise<Named[]> {
  return pick(await rest.get<Named[]>(`/${REALM}/roles?max=10000`), names)
}

/** Client roles as the role-mapping calls want them, by name. */
export async function clientRoles(rest: AdminRest, uuid: string, names: readonly string[]): Promise<Named[]> {
  return pick(await rest.get<Named[]>(`/${REALM}/clients/${uuid}/roles?max=10000`), names)
}

function pick(all: readonly Named[], names: readonly string[]): Named[] {
  return names.map((name) => {
    const role = all.find((one) => one.name === name)
    if (role === undefined) throw new Error(`The seed realm has no role ${name}.`)
    return role
  })
}

/** Gives roles to a user or group: `holder` is `/users/<id>` or `/groups/<id>`. */
export async function grant(
  rest: AdminRest,
  holder: string,
  roles: { readonly realm?: readonly string[]; readonly client?: Readonly<Record<string, readonly string[]>> },
): Promise<void> {
  const { realm = [], client = {} } = roles
  if (realm.length > 0) await rest.post(`/${REALM}${holder}/role-mappings/realm`, await realmRoles(rest, realm))
  for (const [clientId, names] of Object.entries(client)) {
    const uuid = await clientUuid(rest, clientId)
    await rest.post(`/${REALM}${holder}/role-mappings/clients/${uuid}`, await clientRoles(rest, uuid, names))
  }
}
