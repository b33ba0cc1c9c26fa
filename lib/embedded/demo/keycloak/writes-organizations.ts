/** Who belongs to an organization: the part of organizations that is about people. */
import { missing, need } from './asking.ts'
import type { DemoUser } from './realm.ts'
import { conflict } from './writing.ts'
import type { Writing, Written } from './writing.ts'

/** The body is the person's id as a JSON text. */
export function joinOrganization(writing: Writing, organization: string): Written {
  needToManage(writing, organization)
  const user = memberToBe(writing, String(writing.body))
  if (user.organizations.includes(organization)) throw conflict('User is already a member of the organization.')
  user.organizations.push(organization)
  return { created: user.id }
}

export function leaveOrganization(writing: Writing, organization: string, id: string): Written {
  needToManage(writing, organization)
  const user = memberToBe(writing, id)
  if (!user.organizations.includes(organization)) throw missing('User is not a member of the organization')
  user.organizations = user.organizations.filter((one) => one !== organization)
}

function needToManage(writing: Writing, organization: string): void {
  const { organizations } = writing.quirks
  if (organizations === 'none') throw missing('Unable to find matching target resource method')
  need(writing, organizations === 'open' ? 'manage-organizations' : 'realm-admin')
  if (!writing.realm.organizations.has(organization)) throw missing('Organization not found')
}

function memberToBe({ realm }: Writing, id: string): DemoUser {
  const user = realm.user(id)
  if (user === undefined) throw missing('User does not exist')
  return user
}
