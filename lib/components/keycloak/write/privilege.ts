/** Which roles and groups let somebody administrate: Keycloak itself, or what Nebari runs. A role counts that is made of such a one, a group that has one. */
import type { RoleAnswer } from '../answers.ts'
import type { References } from './references.ts'
import { groupName } from './target.ts'
import type { Work } from './work.ts'

/** Every role of these clients is about the realm itself. */
const ADMIN_CLIENTS: ReadonlySet<string> = new Set(['realm-management', 'master-realm'])
const ADMIN_REALM_ROLES: ReadonlySet<string> = new Set(['admin', 'create-realm', 'realm-admin'])
/** Of what Nebari's installer makes. */
const ADMIN_CLIENT_ROLES: ReadonlySet<string> = new Set([
  ...['jupyterhub_admin', 'dask_gateway_admin', 'conda_store_admin', 'conda_store_superadmin'],
  ...['grafana_admin', 'argo-admin'],
])
const ADMIN_GROUPS: ReadonlySet<string> = new Set(['superadmin', 'admin'])
const DEPTH_MAX = 8

export type Granted = Pick<References, 'groups' | 'realmRoles' | 'clientRoles'>

/** Does `after` grant a right to administrate that `before` does not? */
export async function grantsPrivilege(work: Work, before: Granted | undefined, after: Granted): Promise<boolean> {
  for (const name of after.realmRoles) {
    if (before?.realmRoles.includes(name) === true) continue
    if (ADMIN_REALM_ROLES.has(name)) return true
    if (await isMadeOfAdmin(work, (await work.target.realmRoles(work.signal)).get(name), 0)) return true
  }
  for (const [clientId, names] of Object.entries(after.clientRoles)) {
    for (const name of names) {
      if (before?.clientRoles[clientId]?.includes(name) === true) continue
      if (isAdminClientRole(clientId, name)) return true
      if (await isMadeOfAdmin(work, (await work.target.clientRoles(clientId, work.signal)).get(name), 0)) return true
    }
  }
  for (const path of after.groups) {
    if (before?.groups.some((known) => groupName(known) === groupName(path)) === true) continue
    if (await isAdminGroup(work, path)) return true
  }
  return false
}

function isAdminClientRole(clientId: string, name: string): boolean {
  return ADMIN_CLIENTS.has(clientId) || ADMIN_CLIENT_ROLES.has(name)
}

/** A group has what those above it have. */
async function isAdminGroup(work: Work, path: readonly string[]): Promise<boolean> {
  if (ADMIN_GROUPS.has(path[0] ?? '')) return true
  const groups = await work.target.groups(work.signal)
  for (let length = 1; length <= path.length; length++) {
    const group = groups.get(groupName(path.slice(0, length)))?.group
    const roles = { groups: [], realmRoles: group?.realmRoles ?? [], clientRoles: group?.clientRoles ?? {} }
    if (await grantsPrivilege(work, undefined, roles)) return true
  }
  return false
}

async function isMadeOfAdmin(work: Work, role: RoleAnswer | undefined, depth: number): Promise<boolean> {
  if (role?.composite !== true || depth > DEPTH_MAX) return false
  const admins = new Set(
    [...(await work.target.clients(work.signal)).values()]
      .filter(({ clientId }) => ADMIN_CLIENTS.has(clientId))
      .map(({ id }) => id),
  )
  for (const part of await work.target.composites(role.id, work.signal)) {
    if (part.clientRole === true && (admins.has(part.containerId ?? '') || ADMIN_CLIENT_ROLES.has(part.name)))
      return true
    if (part.clientRole !== true && ADMIN_REALM_ROLES.has(part.name)) return true
    if (await isMadeOfAdmin(work, part, depth + 1)) return true
  }
  return false
}
