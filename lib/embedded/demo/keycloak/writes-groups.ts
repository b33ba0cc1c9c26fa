/** What the stand-in does to groups: roles in a body are ignored, an id in one means a group that is there, a delete takes what is beneath. */
import { fixedId } from './fixed-id.ts'
import { missing, need } from './asking.ts'
import type { DemoGroup } from './realm.ts'
import { rolesInBody } from './writes-roles.ts'
import { bad, bodyOf, conflict } from './writing.ts'
import type { Writing, Written } from './writing.ts'

const MEMBERS = [
  ...['id', 'name', 'path', 'parentId', 'attributes', 'realmRoles', 'clientRoles', 'subGroups', 'subGroupCount'],
  'access',
] as const

export function createGroup(writing: Writing, parent?: string): Written {
  need(writing, 'manage-users')
  const { realm } = writing
  if (parent !== undefined) own(writing, parent)
  const { id: known, name, description, attributes } = read(writing)
  if (known !== undefined) throw missing('Could not find child by id')
  if (name === undefined || name === '') throw bad('Group name is missing')
  if ([...realm.groups.values()].some((group) => group.parent === parent && group.name === name))
    throw conflict(`Sibling group named '${name}' already exists.`)
  const id = fixedId(realm.seed, 'posted-group', name, String(realm.serial++))
  const group: DemoGroup = {
    id,
    name,
    parent,
    attributes: structuredClone(attributes ?? {}),
    realmRoles: [],
    clientRoles: {},
  }
  if (description !== undefined) group.description = description
  realm.groups.set(id, group)
  return { created: id }
}

export function updateGroup(writing: Writing, id: string): Written {
  const group = own(writing, id)
  const { name, description, attributes } = read(writing)
  if (name !== undefined) group.name = name
  if (description === undefined || description === null) delete group.description
  else group.description = description
  if (attributes !== undefined) group.attributes = structuredClone(attributes)
}

export function removeGroup(writing: Writing, id: string): Written {
  own(writing, id)
  const { realm } = writing
  for (const child of [...realm.groups.values()]) if (child.parent === id) removeGroup(writing, child.id)
  realm.groups.delete(id)
  realm.defaultGroups = realm.defaultGroups.filter((one) => one !== id)
  for (const user of [...realm.users, ...realm.serviceAccounts.values()])
    user.groups = user.groups.filter((one) => one !== id)
}

export function mapGroupRoles(writing: Writing, id: string, client: string | undefined, how: 'give' | 'take'): Written {
  const group = own(writing, id)
  const names = rolesInBody(writing).map(({ name }) => name)
  const change = (has: readonly string[]): string[] => {
    const rest = has.filter((name) => !names.includes(name))
    return how === 'give' ? [...rest, ...names] : rest
  }
  if (client === undefined) group.realmRoles = change(group.realmRoles)
  else {
    const clientId = writing.realm.clients.get(client)?.clientId
    if (clientId === undefined) throw missing('Client not found')
    group.clientRoles[clientId] = change(group.clientRoles[clientId] ?? [])
  }
}

export function setDefaultGroup(writing: Writing, id: string, isDefault: boolean): Written {
  need(writing, 'manage-realm')
  const { realm } = writing
  if (!realm.groups.has(id)) throw missing('Group not found')
  const rest = realm.defaultGroups.filter((one) => one !== id)
  realm.defaultGroups = isDefault ? [...rest, id] : rest
}

interface Body extends Partial<DemoGroup> {
  readonly id?: string
}

/** Before 26 there are no descriptions. */
function read(writing: Writing): Body {
  const isDescribed = Number.parseInt(writing.version, 10) >= 26
  return bodyOf(writing, new Set<string>([...MEMBERS, ...(isDescribed ? ['description'] : [])]))
}

function own(writing: Writing, id: string): DemoGroup {
  need(writing, 'manage-users')
  const group = writing.realm.groups.get(id)
  if (group === undefined) throw missing('Could not find group by id')
  return group
}
