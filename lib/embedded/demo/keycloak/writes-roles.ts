/** What the stand-in does to roles, and to what they are mapped to. */
import { missing, need } from './asking.ts'
import type { DemoRole } from './realm.ts'
import { bad, bodyOf, conflict } from './writing.ts'
import type { Writing, Written } from './writing.ts'

const MEMBERS: ReadonlySet<string> = new Set([
  ...['id', 'name', 'description', 'composite', 'composites', 'clientRole', 'containerId', 'attributes'],
])

/** The id is ignored, and so are composites. */
export function createRole(writing: Writing, clientUuid?: string): Written {
  need(writing, clientUuid === undefined ? 'manage-realm' : 'manage-clients')
  const { realm } = writing
  const client = clientUuid === undefined ? undefined : realm.clients.get(clientUuid)?.clientId
  if (clientUuid !== undefined && client === undefined) throw missing('Could not find client')
  const { name, description, attributes } = bodyOf(writing, MEMBERS) as Partial<DemoRole>
  if (name === undefined) throw bad('role has no name')
  if ([...realm.roles.values()].some((role) => role.client === client && role.name === name))
    throw conflict(`Role with name ${name} already exists`)
  const role = realm.role(client, name)
  if (description !== undefined) role.description = description
  role.attributes = structuredClone(attributes ?? {})
  return { created: name }
}

/** A description that is not named is taken away, attributes that are not named stay. */
export function updateRole(writing: Writing, id: string): Written {
  const role = own(writing, id)
  const { description, attributes } = bodyOf(writing, MEMBERS) as Partial<DemoRole>
  if (description === undefined || description === null) delete role.description
  else role.description = description
  if (attributes !== undefined) role.attributes = structuredClone(attributes)
}

export function removeRole(writing: Writing, id: string): Written {
  const role = own(writing, id)
  if (role.client === undefined && role.name === 'default-roles-nebari')
    throw bad('default-roles-nebari is default role of the realm and cannot be removed.')
  forgetRole(writing, role)
}

/** Whoever had it has it no more. */
export function forgetRole({ realm }: Writing, role: DemoRole): void {
  const { client, name } = role
  realm.roles.delete(role.id)
  for (const other of realm.roles.values()) other.composites = other.composites.filter((part) => part !== role.id)
  for (const holder of [...realm.groups.values(), ...realm.users, ...realm.serviceAccounts.values()]) {
    if (client === undefined) holder.realmRoles = holder.realmRoles.filter((one) => one !== name)
    else if (holder.clientRoles[client]?.includes(name) === true)
      holder.clientRoles[client] = holder.clientRoles[client].filter((one) => one !== name)
  }
  for (const shown of [...realm.clients.values(), ...realm.scopes.values()])
    shown.roleScope = shown.roleScope.filter((one) => one !== role.id)
}

export function mapComposites(writing: Writing, id: string, how: 'give' | 'take'): Written {
  const role = own(writing, id)
  const parts = (writing.body as readonly { readonly id?: string }[]).map(({ id: part = '' }) => part)
  if (!parts.every((part) => writing.realm.roles.has(part))) throw missing('Could not find composite role')
  const rest = role.composites.filter((part) => !parts.includes(part))
  role.composites = how === 'give' ? [...rest, ...parts] : rest
}

/** The roles in the body, by the ids in it. @throws Refusal 404 */
export function rolesInBody({ realm, body }: Writing): readonly DemoRole[] {
  return (body as readonly { readonly id?: string; readonly name?: string }[]).map(({ id = '', name }) => {
    const role = realm.roles.get(id)
    if (role === undefined || role.name !== name) throw missing('Role not found')
    return role
  })
}

export function mapShownRoles(writing: Writing, of: { roleScope: string[] }, how: 'give' | 'take'): Written {
  const ids = rolesInBody(writing).map(({ id }) => id)
  const rest = of.roleScope.filter((id) => !ids.includes(id))
  of.roleScope = how === 'give' ? [...rest, ...ids] : rest
}

function own(writing: Writing, id: string): DemoRole {
  const role = writing.realm.roles.get(id)
  if (role === undefined) throw missing('Could not find role')
  need(writing, role.client === undefined ? 'manage-realm' : 'manage-clients')
  return role
}
