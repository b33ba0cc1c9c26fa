import { clientRoles, clientUuid, grant, numbered, realmRoles, REALM, type Building } from './building.ts'
import { scopeId } from './clients.ts'

interface RoleSeed {
  readonly name: string
  readonly description?: string
  readonly attributes?: Readonly<Record<string, readonly string[]>>
  /** Names of realm roles it includes. */
  readonly includes?: readonly string[]
  /** Client id to names of client roles it includes. */
  readonly includesOfClients?: Readonly<Record<string, readonly string[]>>
}

/** Realm roles the admin made. `alpha-composite` includes a role that comes later in the alphabet; `level-one` nests twice. */
export function adminRealmRoles(building: Pick<Building, 'large'>): RoleSeed[] {
  return [
    {
      name: 'realm-a',
      description: 'Rolle mit Attribut und Teilen',
      attributes: { team: ['blue', 'green'], note: ['ä'] },
      includes: ['realm-b'],
      includesOfClients: { jupyterhub: ['my-perm'] },
    },
    { name: 'realm-b' },
    { name: 'alpha-composite', includes: ['zeta-role'] },
    { name: 'zeta-role' },
    { name: 'level-one', includes: ['level-two'] },
    { name: 'level-two', includes: ['level-three'] },
    { name: 'level-three', attributes: { depth: ['3'] } },
    { name: 'odd role/name', description: 'A blank and a slash' },
    ...(building.large ? numbered('large-role', 101).map((name) => ({ name })) : []),
  ]
}

/** Client roles the admin made, by client id. `editor` is on two clients. */
export const ADMIN_CLIENT_ROLES: Readonly<Record<string, readonly RoleSeed[]>> = {
  jupyterhub: [
    {
      name: 'my-perm',
      description: 'Fine-grained permission',
      attributes: { component: ['jupyterhub'], scopes: ['shares!user,read:users:name'] },
    },
  ],
  conda_store: [
    { name: 'analyst-admin', attributes: { component: ['conda-store'], scopes: ['admin!namespace=analyst'] } },
  ],
  'lab-portal': [
    { name: 'editor', attributes: { on: ['lab-portal'] } },
    { name: 'viewer' },
    { name: 'lab role/odd' },
    { name: 'lab-composite', includesOfClients: { 'lab-portal': ['viewer'], testapp: ['editor'] } },
  ],
  testapp: [{ name: 'editor', attributes: { on: ['testapp'] } }, { name: 'tester' }],
}

/** First all roles, then what they include, then who carries them by scope or service account. */
export async function buildRoles(building: Building): Promise<void> {
  const { rest } = building
  const ofRealm = adminRealmRoles(building)
  for (const role of ofRealm) await rest.post(`/${REALM}/roles`, plain(role))
  for (const [clientId, roles] of Object.entries(ADMIN_CLIENT_ROLES)) {
    const uuid = await clientUuid(rest, clientId)
    for (const role of roles) await rest.post(`/${REALM}/clients/${uuid}/roles`, plain(role))
  }
  for (const role of ofRealm) await include(building, (await realmRoles(rest, [role.name]))[0]?.id, role)
  for (const [clientId, roles] of Object.entries(ADMIN_CLIENT_ROLES)) {
    const uuid = await clientUuid(rest, clientId)
    for (const role of roles) await include(building, (await clientRoles(rest, uuid, [role.name]))[0]?.id, role)
  }
  const portal = await clientUuid(rest, 'lab-portal')
  const account = await rest.get<{ id: string }>(`/${REALM}/clients/${portal}/service-account-user`)
  await grant(rest, `/users/${account.id}`, { realm: ['realm-b'], client: { jupyterhub: ['my-perm'] } })
  await rest.post(
    `/${REALM}/client-scopes/${await scopeId(building)}/scope-mappings/realm`,
    await realmRoles(rest, ['realm-b']),
  )
}

function plain({ name, description, attributes }: RoleSeed): object {
  return {
    name,
    ...(description === undefined ? {} : { description }),
    ...(attributes === undefined ? {} : { attributes }),
  }
}

async function include({ rest }: Building, id: string | undefined, role: RoleSeed): Promise<void> {
  const parts = role.includes === undefined ? [] : await realmRoles(rest, role.includes)
  for (const [clientId, names] of Object.entries(role.includesOfClients ?? {})) {
    parts.push(...(await clientRoles(rest, await clientUuid(rest, clientId), names)))
  }
  if (parts.length > 0) await rest.post(`/${REALM}/roles-by-id/${id}/composites`, parts)
}
