import { REALM, type Building } from './building.ts'

/** Twelve organizations: the list's default page is ten. The first has an identity provider and a member. */
export const ORGANIZATIONS: readonly string[] = Array.from({ length: 12 }, (_, index) => `org-${index + 1}`)
export const MEMBERSHIP = { organization: 'org-1', identityProvider: 'oidc-uni', member: 'org-member' } as const

/** Makes organizations and their member; users and identity providers must be there. Nothing before version 26. */
export async function buildOrganizations({ rest, organizations }: Building): Promise<void> {
  if (!organizations) return
  for (const alias of ORGANIZATIONS) {
    const id = await rest.post(`/${REALM}/organizations`, {
      name: `Organization ${alias}`,
      alias,
      enabled: true,
      description: `Described: ${alias}`,
      attributes: { city: ['Köln', 'Bonn'] },
      domains: [{ name: `${alias}.example`, verified: alias === 'org-1' }],
    })
    if (alias !== MEMBERSHIP.organization) continue
    const [member] = await rest.get<{ id: string }[]>(`/${REALM}/users?exact=true&username=${MEMBERSHIP.member}`)
    await rest.post(`/${REALM}/organizations/${id}/members`, JSON.stringify(member?.id))
    await rest.post(`/${REALM}/organizations/${id}/identity-providers`, JSON.stringify(MEMBERSHIP.identityProvider))
  }
}
