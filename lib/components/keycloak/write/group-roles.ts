/** What somebody has by being in a group: its roles, those of the groups above it, and what these are made of. */
import type { RoleAnswer } from '../answers.ts'
import { groupName } from './target.ts'
import type { Work } from './work.ts'

const DEPTH_MAX = 8

/** Names made by `roleName`. */
export async function rolesOfGroups(work: Work, paths: readonly (readonly string[])[]): Promise<ReadonlySet<string>> {
  const { target, signal } = work
  const found = new Set<string>()
  if (paths.length === 0) return found
  const groups = await target.groups(signal)
  const clients = new Map([...(await target.clients(signal)).values()].map(({ id, clientId }) => [id, clientId]))
  const add = async (client: string, role: RoleAnswer | undefined, depth: number): Promise<void> => {
    if (role === undefined || found.has(roleName(client, role.name)) || depth > DEPTH_MAX) return
    found.add(roleName(client, role.name))
    if (role.composite !== true) return
    for (const part of await target.composites(role.id, signal))
      await add(part.clientRole === true ? (clients.get(part.containerId ?? '') ?? '') : '', part, depth + 1)
  }
  for (const path of paths) {
    for (let length = 1; length <= path.length; length++) {
      const group = groups.get(groupName(path.slice(0, length)))?.group
      for (const name of group?.realmRoles ?? []) await add('', (await target.realmRoles(signal)).get(name), 0)
      for (const [client, names] of Object.entries(group?.clientRoles ?? {}))
        for (const name of names) await add(client, (await target.clientRoles(client, signal)).get(name), 0)
    }
  }
  return found
}

/** `client`: empty for a role of the realm. */
export function roleName(client: string, name: string): string {
  return JSON.stringify([client, name])
}
