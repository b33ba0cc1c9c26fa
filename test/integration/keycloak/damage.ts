/** What an accident takes away: every person, and what an administrator added of groups, roles and bindings. What the installer made stays. */
import { clientRoles, clientUuid, realmRoles } from '../../kit/seed-realm/building.ts'
import { ADMIN_BINDINGS, adminGroups, findGroup, INSTALLER_GROUPS } from '../../kit/seed-realm/groups.ts'
import { ADMIN_CLIENT_ROLES, adminRealmRoles } from '../../kit/seed-realm/roles.ts'
import { eachOf } from '../../kit/servers/admin-rest.ts'
import type { SeededServer } from './restore-ground.ts'

/** Those whose name no slice can have are left: they are saved with the shared state. */
export async function removeEverybody({ rest, people }: SeededServer): Promise<void> {
  const all = await rest.get<{ id: string; username: string }[]>('/nebari/users?max=-1')
  const known = new Set(people)
  await eachOf(
    all.filter(({ username }) => known.has(username)),
    8,
    ({ id }) => rest.delete(`/nebari/users/${id}`),
  )
}

export async function removeAdminsPart({ rest }: SeededServer): Promise<void> {
  const installers: ReadonlySet<string> = new Set(INSTALLER_GROUPS)
  for (const { path, realm = [], client = {} } of ADMIN_BINDINGS) {
    if (!installers.has(path[0] ?? '')) continue
    const place = `/nebari/groups/${await findGroup(rest, path)}/role-mappings`
    if (realm.length > 0) await rest.delete(`${place}/realm`, await realmRoles(rest, realm))
    for (const [clientId, names] of Object.entries(client)) {
      const uuid = await clientUuid(rest, clientId)
      await rest.delete(`${place}/clients/${uuid}`, await clientRoles(rest, uuid, names))
    }
  }
  for (const { path } of adminGroups({ large: false }))
    if (path.length === 1) await rest.delete(`/nebari/groups/${await findGroup(rest, path)}`)
  for (const { name } of adminRealmRoles({ large: false }))
    await rest.delete(`/nebari/roles/${encodeURIComponent(name)}`)
  for (const [clientId, roles] of Object.entries(ADMIN_CLIENT_ROLES)) {
    const uuid = await clientUuid(rest, clientId)
    for (const { name } of roles) await rest.delete(`/nebari/clients/${uuid}/roles/${encodeURIComponent(name)}`)
  }
}
