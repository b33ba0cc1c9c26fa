/**
 * Roles of Keycloak's own management are given and taken by who has them himself, has what stands above them, or has `realm-admin`: anybody else is refused, whatever else he may.
 * Seen on 24.0.5 and 26.7.4, alike for people, groups and what roles are made of.
 */
import { mayWrite } from './person-way.ts'
import type { Work } from './work.ts'

export const MANAGEMENT = 'realm-management'

/** What else gives a role: who may change something may let others see it. */
const GIVEN_BY: Readonly<Record<string, string>> = {
  'view-users': 'manage-users',
  'view-realm': 'manage-realm',
  'view-clients': 'manage-clients',
  'view-identity-providers': 'manage-identity-providers',
  'view-organizations': 'manage-organizations',
  'create-client': 'manage-clients',
  'manage-authorization': 'manage-clients',
}
/** Everybody gives these. */
const ASKING = /^query-/

type ClientRoles = Readonly<Record<string, readonly string[]>>

/** Goes by what the token says; a token that names no roles is tried. */
export async function mayGive(work: Work, before: ClientRoles | undefined, after: ClientRoles): Promise<boolean> {
  for (const name of changedManagement(before, after)) if (!(await mayGiveOne(work, name))) return false
  return true
}

/** Its roles that one side has and the other does not. */
export function changedManagement(before: ClientRoles | undefined, after: ClientRoles): readonly string[] {
  const [has, wants] = [before?.[MANAGEMENT] ?? [], after[MANAGEMENT] ?? []]
  return [...new Set([...has, ...wants])].filter((name) => has.includes(name) !== wants.includes(name))
}

async function mayGiveOne(work: Work, name: string): Promise<boolean> {
  if (ASKING.test(name) || (await mayWrite(work, name))) return true
  const above = GIVEN_BY[name]
  return above !== undefined && (await mayWrite(work, above))
}
