import { numbered } from './building.ts'
import { passwordCredential } from './credentials.ts'
import { fixedId, plantedSecret } from './secrets.ts'
import type { UserRecord } from './users.ts'

/** The one password of all bulk people. Its hash is computed once: clear passwords cost a tenth of a second each. */
export const BULK_PASSWORD = plantedSecret('pw-bulk')

/** 2024-06-01T00:00:00Z */
const FIRST_CREATED = 1_717_200_000_000

/** Groups of bulk person `index`: at 10,000, three groups have more than 2,000 members. */
export function bulkGroups(index: number): string[][] {
  return [
    ['analyst'],
    ['users'],
    ...(index % 2 === 0 ? [['developer']] : []),
    ...(index % 5 === 0 ? [['projects', 'p1']] : []),
  ]
}

/** `bulk-00001` … with groups, the default role, now and then an attribute, a client role and a realm role. */
export function bulkUsers(count: number): UserRecord[] {
  const { id: _id, ...credential } = passwordCredential('bulk', BULK_PASSWORD, 'pbkdf2-sha256')
  return numbered('bulk', count, 5).map((username, index) => ({
    id: fixedId(`user ${username}`),
    username,
    enabled: true,
    createdTimestamp: FIRST_CREATED + index * 1000,
    firstName: 'Bulk',
    lastName: `Person ${index + 1}`,
    email: `${username}@uni.example`,
    emailVerified: index % 3 !== 0,
    attributes: index % 10 === 0 ? { subjects: ['Statistik', `Kurs ${index % 7}`] } : {},
    groups: bulkGroups(index).map((path) => `/${path.join('/')}`),
    realmRoles: ['default-roles-nebari', ...(index % 11 === 0 ? ['realm-b'] : [])],
    clientRoles: index % 7 === 0 ? { jupyterhub: ['my-perm'] } : {},
    credentials: [{ id: fixedId(`password ${username}`), ...credential }],
  }))
}
