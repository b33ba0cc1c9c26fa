import { connectAdmin, type AdminRest } from '../servers/admin-rest.ts'
import { isAtLeast } from '../servers/keycloak-install.ts'
import type { KeycloakServer } from '../servers/keycloak.ts'
import { clientRoles, clientUuid, grant, REALM, realmRoles } from './building.ts'
import type { SeedRealm } from './build-seed-realm.ts'
import type { Difference } from './compare-fingerprints.ts'
import { passwordCredential } from './credentials.ts'
import { findGroup } from './groups.ts'
import { importUsers } from './import-users.ts'
import { changeOwnPassword } from './login.ts'
import { fixedId, plantedSecret } from './secrets.ts'

/** The password that `self-changed` has afterwards, and that of `to-be-added`. */
export const CHANGED_PASSWORD = plantedSecret('pw-self-changed-new')
export const ADDED_PASSWORD = plantedSecret('pw-to-be-added')

interface Mutation extends Difference {
  readonly apply: (rest: AdminRest, server: KeycloakServer, seed: SeedRealm) => Promise<void>
  /** Keycloak's first major version that has it. */
  readonly since?: number
}

/**
 * Changes a fresh seed realm in a known way and returns exactly what changed, in the words of `compareFingerprints` and in its order.
 * Not repeatable on the same realm.
 */
export async function mutateRealm(server: KeycloakServer, seed: SeedRealm): Promise<Difference[]> {
  const rest = connectAdmin(server)
  const mutations = MUTATIONS.filter(
    ({ since = 0 }) => isAtLeast(server.version, since) && (since < 26 || seed.organizations),
  )
  for (const { apply } of mutations) await apply(rest, server, seed)
  return mutations
    .map(({ kind, key, change, fields }) => ({ kind, key, change, fields }))
    .toSorted((a, b) => (a.kind === b.kind ? compare(a.key, b.key) : compare(a.kind, b.kind)))
}

const compare = (a: string, b: string): number => (a < b ? -1 : 1)

const userId = async (rest: AdminRest, username: string): Promise<string> => {
  const query = `exact=true&username=${encodeURIComponent(username)}`
  const [user] = await rest.get<{ id: string }[]>(`/${REALM}/users?${query}`)
  if (user === undefined) throw new Error(`The seed realm has no person ${username}.`)
  return user.id
}

/** Reads a representation, changes it, and sends the whole of it back: a part would wipe other fields. */
const edit = async (rest: AdminRest, path: string, change: object): Promise<void> => {
  await rest.put(`/${REALM}${path}`, { ...(await rest.get(`/${REALM}${path}`)), ...change })
}

const MUTATIONS: readonly Mutation[] = [
  {
    ...{ kind: 'user', key: 'to-be-added', change: 'created', fields: [] },
    apply: (rest) =>
      importUsers(rest, [
        {
          id: fixedId('user to-be-added'),
          username: 'to-be-added',
          enabled: true,
          createdTimestamp: 1_730_000_000_000,
          groups: ['/analyst', '/users'],
          realmRoles: ['default-roles-nebari'],
          clientRoles: {},
          credentials: [passwordCredential('to-be-added', ADDED_PASSWORD, 'pbkdf2-sha512')],
        },
      ]),
  },
  {
    ...{ kind: 'user', key: 'to-be-deleted', change: 'deleted', fields: [] },
    apply: async (rest) => rest.delete(`/${REALM}/users/${await userId(rest, 'to-be-deleted')}`),
  },
  {
    ...{ kind: 'user', key: 'self-changed', change: 'updated', fields: ['credentials'] },
    apply: async (_rest, server, seed) => {
      const person = seed.users.find(({ username }) => username === 'self-changed')
      await changeOwnPassword(server, 'self-changed', person?.password ?? '', CHANGED_PASSWORD)
    },
  },
  {
    ...{ kind: 'user', key: 'rich1', change: 'updated', fields: ['groups', 'roles'] },
    apply: async (rest) => {
      const id = await userId(rest, 'rich1')
      await rest.put(`/${REALM}/users/${id}/groups/${await findGroup(rest, ['projects', 'p2'])}`)
      await rest.delete(`/${REALM}/users/${id}/groups/${await findGroup(rest, ['analyst'])}`)
      await grant(rest, `/users/${id}`, { realm: ['realm-b'], client: { jupyterhub: ['my-perm'] } })
    },
  },
  {
    ...{ kind: 'user', key: 'fed-two', change: 'updated', fields: ['links'] },
    apply: async (rest) => rest.delete(`/${REALM}/users/${await userId(rest, 'fed-two')}/federated-identity/oidc-uni`),
  },
  {
    ...{ kind: 'user', key: 'old-created', change: 'updated', fields: ['email', 'lastName'] },
    apply: async (rest) =>
      edit(rest, `/users/${await userId(rest, 'old-created')}`, { lastName: 'Älter', email: 'old@uni.example' }),
  },
  {
    ...{ kind: 'user', key: 'totp-two', change: 'updated', fields: ['credentials'] },
    apply: async (rest) => {
      const path = `/${REALM}/users/${await userId(rest, 'totp-two')}/credentials`
      const credentials = await rest.get<{ id: string; userLabel?: string }[]>(path)
      await rest.delete(`${path}/${credentials.find(({ userLabel }) => userLabel === 'first made')?.id}`)
    },
  },
  {
    ...{ kind: 'group', key: JSON.stringify(['admin']), change: 'updated', fields: ['attributes'] },
    apply: async (rest) =>
      edit(rest, `/groups/${await findGroup(rest, ['admin'])}`, {
        attributes: { jupyterlab_profiles: ['GPU', 'Large'] },
      }),
  },
  {
    ...{ kind: 'group', key: JSON.stringify(['projects', 'p16']), change: 'created', fields: [] },
    apply: async (rest) => {
      const parent = await findGroup(rest, ['projects'])
      await rest.post(`/${REALM}/groups/${parent}/children`, { name: 'p16', attributes: { number: ['16'] } })
    },
  },
  {
    ...{ kind: 'group', key: JSON.stringify(['empty']), change: 'deleted', fields: [] },
    apply: async (rest) => rest.delete(`/${REALM}/groups/${await findGroup(rest, ['empty'])}`),
  },
  {
    ...{ kind: 'group', key: JSON.stringify(['b', 'x']), change: 'updated', fields: ['roles'] },
    apply: async (rest) => grant(rest, `/groups/${await findGroup(rest, ['b', 'x'])}`, { realm: ['level-three'] }),
  },
  {
    ...{ kind: 'realmRole', key: 'role-added', change: 'created', fields: [] },
    apply: async (rest) => {
      await rest.post(`/${REALM}/roles`, { name: 'role-added', attributes: { new: ['yes'] } })
    },
  },
  {
    ...{ kind: 'realmRole', key: 'level-two', change: 'updated', fields: ['composites'] },
    apply: async (rest) => {
      const [role] = await realmRoles(rest, ['level-two'])
      await rest.post(`/${REALM}/roles-by-id/${role?.id}/composites`, await realmRoles(rest, ['realm-b']))
    },
  },
  {
    ...{
      kind: 'clientRole',
      key: JSON.stringify(['jupyterhub', 'my-perm']),
      change: 'updated',
      fields: ['attributes'],
    },
    apply: async (rest) => {
      const [role] = await clientRoles(rest, await clientUuid(rest, 'jupyterhub'), ['my-perm'])
      const attributes = { component: ['jupyterhub'], scopes: ['read:users:name'] }
      await edit(rest, `/roles-by-id/${role?.id}`, { attributes })
    },
  },
  {
    ...{ kind: 'client', key: 'lab-portal', change: 'updated', fields: ['redirectUris'] },
    apply: async (rest) =>
      edit(rest, `/clients/${await clientUuid(rest, 'lab-portal')}`, { redirectUris: ['https://lab3.uni.example/*'] }),
  },
  {
    ...{ kind: 'identityProvider', key: 'oidc-uni', change: 'updated', fields: ['displayName'] },
    apply: (rest) => edit(rest, '/identity-provider/instances/oidc-uni', { displayName: 'University' }),
  },
  {
    ...{ kind: 'localization', key: JSON.stringify(['de', 'greeting']), change: 'updated', fields: [] },
    apply: (rest) => rest.putText(`/${REALM}/localization/de/greeting`, 'Servus, {0}'),
  },
  {
    ...{ kind: 'realm', key: REALM, change: 'updated', fields: ['displayName'] },
    apply: (rest) => edit(rest, '', { displayName: 'Nebari, umbenannt' }),
  },
  {
    ...{ kind: 'organization', key: 'org-2', change: 'updated', fields: ['description'] },
    since: 26,
    apply: async (rest) => {
      const list = await rest.get<{ id: string; alias: string }[]>(`/${REALM}/organizations?max=100`)
      await edit(rest, `/organizations/${list.find(({ alias }) => alias === 'org-2')?.id}`, { description: 'Changed' })
    },
  },
]
