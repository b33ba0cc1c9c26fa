/** Roles of Keycloak's own management are given and taken by who has them himself, or has `realm-admin`: anybody else is refused, whatever other rights he has. */
import { mayWrite } from './person-way.ts'
import type { Work } from './work.ts'

export const MANAGEMENT = 'realm-management'

type ClientRoles = Readonly<Record<string, readonly string[]>>

/** Goes by what the token says; a token that names no roles is tried. */
export async function mayGive(work: Work, before: ClientRoles | undefined, after: ClientRoles): Promise<boolean> {
  for (const name of changedManagement(before, after)) if (!(await mayWrite(work, name))) return false
  return true
}

/** Its roles that one side has and the other does not. */
export function changedManagement(before: ClientRoles | undefined, after: ClientRoles): readonly string[] {
  const [has, wants] = [before?.[MANAGEMENT] ?? [], after[MANAGEMENT] ?? []]
  return [...new Set([...has, ...wants])].filter((name) => has.includes(name) !== wants.includes(name))
}
