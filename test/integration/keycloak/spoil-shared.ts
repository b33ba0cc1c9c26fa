/** What a careless day does to the shared state of the seed realm: of each kind something is deleted, changed and added. Only through REST, with nothing of `lib/`. */
import type { AdminRest, JsonObject } from '../../kit/servers/admin-rest.ts'
import { clientRoles, clientUuid, grant, REALM, realmRoles } from '../../kit/seed-realm/building.ts'
import { findGroup } from '../../kit/seed-realm/groups.ts'

interface Ground {
  readonly rest: AdminRest
  /** Groups have descriptions, and there are organizations. */
  readonly has26: boolean
}
interface Id {
  readonly id: string
}

/** Shapes that the seed realm does not have. */
export async function enrichShared({ rest, has26 }: Ground): Promise<void> {
  const scope = await rest.post(`/${REALM}/client-scopes`, {
    ...{ name: 'second-scope', protocol: 'openid-connect', description: 'Second' },
    attributes: { 'include.in.token.scope': 'false', 'gui.order': '7' },
    protocolMappers: [claim('one', '1'), claim('two', '2')],
  })
  await rest.put(`/${REALM}/default-default-client-scopes/${scope}`)
  const jupyterhub = await clientUuid(rest, 'jupyterhub')
  const shown = await clientRoles(rest, jupyterhub, ['my-perm'])
  await rest.post(`/${REALM}/client-scopes/${scope}/scope-mappings/clients/${jupyterhub}`, shown)
  const guarded = await rest.post(`/${REALM}/clients`, {
    ...{ clientId: 'guarded app/1', name: 'Guarded', description: 'With policies', baseUrl: '/guarded' },
    ...{ publicClient: false, serviceAccountsEnabled: true, authorizationServicesEnabled: true },
    ...{
      fullScopeAllowed: false,
      frontchannelLogout: true,
      attributes: { 'frontchannel.logout.url': 'https://g.example' },
    },
  })
  await rest.post(`/${REALM}/clients/${guarded}/authz/resource-server/import`, policies(has26))
  await rest.post(`/${REALM}/clients/${guarded}/scope-mappings/realm`, await realmRoles(rest, ['realm-a']))
  const account = await rest.get<Id>(`/${REALM}/clients/${guarded}/service-account-user`)
  await rest.put(`/${REALM}/users/${account.id}/groups/${await findGroup(rest, ['projects', 'p3', 'deep'])}`)
  await rest.delete(`/${REALM}/users/${account.id}/groups/${await findGroup(rest, ['users'])}`)
  await rest.delete(
    `/${REALM}/users/${account.id}/role-mappings/realm`,
    await realmRoles(rest, ['default-roles-nebari']),
  )
  await rest.post(`/${REALM}/clients`, {
    ...{ clientId: 'https://saml.example/sp', protocol: 'saml', redirectUris: ['https://saml.example/*'] },
    attributes: { 'saml.assertion.signature': 'true', saml_name_id_format: 'username' },
  })
  await rest.put(`/${REALM}/default-groups/${await findGroup(rest, ['roles-only'])}`)
}

export async function spoilShared(ground: Ground): Promise<void> {
  await spoilScopes(ground)
  await spoilRealmRoles(ground)
  await spoilClients(ground)
  await spoilGroups(ground)
  if (ground.has26) await spoilOrganizations(ground)
}

/** What `spoilInstallers` touches. */
export const INSTALLERS = [
  'client-role/jupyterhub/jupyterhub_admin',
  'client/grafana',
  'default-group/users',
  'group/developer',
] as const

/** What the installer owns, changed: no restore may touch it unless asked. */
export async function spoilInstallers({ rest }: Ground): Promise<void> {
  await edit(rest, `/clients/${await clientUuid(rest, 'grafana')}`, {
    redirectUris: ['https://moved.uni.example/*'],
    secret: 'a-new-secret-of-the-deploy',
  })
  const developer = await findGroup(rest, ['developer'])
  const jupyterhub = await clientUuid(rest, 'jupyterhub')
  const path = `/${REALM}/groups/${developer}/role-mappings/clients/${jupyterhub}`
  await rest.delete(path, await clientRoles(rest, jupyterhub, ['jupyterhub_developer']))
  const [role] = await clientRoles(rest, jupyterhub, ['jupyterhub_admin'])
  await edit(rest, `/roles-by-id/${role?.id}`, { description: 'Described anew' })
  await rest.delete(`/${REALM}/default-groups/${await findGroup(rest, ['users'])}`)
}

async function spoilScopes({ rest }: Ground): Promise<void> {
  const scopes = await rest.get<{ id: string; name: string; protocolMappers: Id[] }[]>(`/${REALM}/client-scopes`)
  const named = (name: string): (typeof scopes)[number] => {
    const scope = scopes.find((one) => one.name === name)
    if (scope === undefined) throw new Error(`There is no scope ${name}.`)
    return scope
  }
  await rest.delete(`/${REALM}/client-scopes/${named('extra-scope').id}`)
  const { id, protocolMappers } = named('second-scope')
  await edit(rest, `/client-scopes/${id}`, { description: '', attributes: { 'gui.order': '8', stray: 'yes' } })
  const models = `/${REALM}/client-scopes/${id}/protocol-mappers/models`
  await rest.delete(`${models}/${protocolMappers[0]?.id}`)
  await rest.put(`${models}/${protocolMappers[1]?.id}`, { ...protocolMappers[1], ...claim('two', 'changed') })
  await rest.post(models, claim('three', '3'))
  await rest.delete(`/${REALM}/default-default-client-scopes/${id}`)
  await rest.put(`/${REALM}/default-optional-client-scopes/${id}`)
  await rest.post(`/${REALM}/client-scopes/${id}/scope-mappings/realm`, await realmRoles(rest, ['realm-b']))
  const stray = await rest.post(`/${REALM}/client-scopes`, { name: 'stray-scope', protocol: 'openid-connect' })
  await rest.put(`/${REALM}/default-optional-client-scopes/${stray}`)
}

async function spoilRealmRoles({ rest }: Ground): Promise<void> {
  for (const name of ['zeta-role', 'level-three', 'odd role/name', 'level-one']) {
    const [role] = await realmRoles(rest, [name])
    await rest.delete(`/${REALM}/roles-by-id/${role?.id}`)
  }
  const [role] = await realmRoles(rest, ['realm-a'])
  await edit(rest, `/roles-by-id/${role?.id}`, { description: 'Changed', attributes: { team: ['red'] } })
  await rest.delete(`/${REALM}/roles-by-id/${role?.id}/composites`, await realmRoles(rest, ['realm-b']))
  await rest.post(`/${REALM}/roles-by-id/${role?.id}/composites`, await realmRoles(rest, ['uma_authorization']))
  await rest.post(`/${REALM}/roles`, { name: 'stray role', attributes: { stray: ['yes'] } })
  const [stray] = await realmRoles(rest, ['stray role'])
  await rest.post(`/${REALM}/roles-by-id/${stray?.id}/composites`, await realmRoles(rest, ['realm-b']))
}

async function spoilClients({ rest }: Ground): Promise<void> {
  for (const clientId of ['testapp', 'https://saml.example/sp', 'guarded app/1'])
    await rest.delete(`/${REALM}/clients/${await clientUuid(rest, clientId)}`)
  const portal = await clientUuid(rest, 'lab-portal')
  await edit(rest, `/clients/${portal}`, {
    ...{ redirectUris: [], webOrigins: ['+'], description: 'Changed', secret: 'another-secret', protocolMappers: [] },
    ...{
      attributes: { 'post.logout.redirect.uris': '', stray: 'yes' },
      authenticationFlowBindingOverrides: { browser: '' },
    },
    ...{ directAccessGrantsEnabled: true, notBefore: 5 },
  })
  await rest.post(`/${REALM}/clients/${portal}/scope-mappings/realm`, await realmRoles(rest, ['realm-b']))
  const scopes = await rest.get<{ id: string; name: string }[]>(`/${REALM}/clients/${portal}/default-client-scopes`)
  const email = scopes.find(({ name }) => name === 'email')
  await rest.delete(`/${REALM}/clients/${portal}/default-client-scopes/${email?.id}`)
  await rest.put(`/${REALM}/clients/${portal}/optional-client-scopes/${email?.id}`)
  const roles = await clientRoles(rest, portal, ['editor', 'lab role/odd', 'lab-composite'])
  await rest.delete(`/${REALM}/roles-by-id/${roles[0]?.id}`)
  await rest.delete(`/${REALM}/roles-by-id/${roles[1]?.id}`)
  await rest.post(`/${REALM}/roles-by-id/${roles[2]?.id}/composites`, await realmRoles(rest, ['realm-b']))
  await rest.post(`/${REALM}/clients/${portal}/roles`, { name: 'stray/role' })
  const jupyterhub = await clientUuid(rest, 'jupyterhub')
  const [mine] = await clientRoles(rest, jupyterhub, ['my-perm'])
  await rest.delete(`/${REALM}/roles-by-id/${mine?.id}`)
  const conda = await clientUuid(rest, 'conda_store')
  const [analyst] = await clientRoles(rest, conda, ['analyst-admin'])
  await edit(rest, `/roles-by-id/${analyst?.id}`, { attributes: {} })
  const account = await rest.get<Id>(`/${REALM}/clients/${portal}/service-account-user`)
  await rest.delete(`/${REALM}/users/${account.id}/role-mappings/realm`, await realmRoles(rest, ['realm-b']))
  await rest.put(`/${REALM}/users/${account.id}/groups/${await findGroup(rest, ['b', 'x'])}`)
  await edit(rest, `/users/${account.id}`, { attributes: { stray: ['yes'] } })
  const stray = { clientId: 'stray-client', serviceAccountsEnabled: true, publicClient: false }
  const strayId = await rest.post(`/${REALM}/clients`, stray)
  await rest.post(`/${REALM}/clients/${strayId}/roles`, { name: 'stray' })
}

async function spoilGroups({ rest, has26 }: Ground): Promise<void> {
  for (const path of [['projects', 'p3'], ['a'], ['a/b'], ['Räte und Gäste'], ['roles-only']])
    await rest.delete(`/${REALM}/groups/${await findGroup(rest, path)}`)
  await edit(rest, `/groups/${await findGroup(rest, ['b', 'x'])}`, { attributes: { other: ['1'] } })
  if (has26) await edit(rest, `/groups/${await findGroup(rest, ['described'])}`, { description: 'Changed' })
  await edit(rest, `/groups/${await findGroup(rest, ['admin'])}`, { attributes: {} })
  const portal = await clientUuid(rest, 'lab-portal')
  const admin = `/${REALM}/groups/${await findGroup(rest, ['admin'])}/role-mappings/clients/${portal}`
  await rest.delete(admin, await clientRoles(rest, portal, ['viewer']))
  await grant(rest, `/groups/${await findGroup(rest, ['empty'])}`, { realm: ['realm-b'] })
  const stray = await rest.post(`/${REALM}/groups`, { name: 'stray group' })
  await rest.post<Id>(`/${REALM}/groups/${stray}/children`, { name: 'below', attributes: { a: ['1'] } })
  await rest.put(`/${REALM}/default-groups/${await findGroup(rest, ['described'])}`)
}

async function spoilOrganizations({ rest }: Ground): Promise<void> {
  const all = await rest.get<{ id: string; alias: string }[]>(`/${REALM}/organizations?max=100`)
  const id = (alias: string): string => all.find((one) => one.alias === alias)?.id ?? ''
  await rest.delete(`/${REALM}/organizations/${id('org-3')}`)
  await rest.delete(`/${REALM}/organizations/${id('org-1')}/identity-providers/oidc-uni`)
  await edit(rest, `/organizations/${id('org-2')}`, {
    ...{ enabled: false, description: undefined, redirectUrl: 'https://stray.example/' },
    ...{ attributes: {}, domains: [{ name: 'moved.example', verified: true }] },
  })
  const domains = [{ name: 'stray.example', verified: false }]
  await rest.post(`/${REALM}/organizations`, { name: 'Stray', alias: 'stray', enabled: true, domains })
}

async function edit(rest: AdminRest, path: string, change: object): Promise<void> {
  await rest.put(`/${REALM}${path}`, { ...(await rest.get<JsonObject>(`/${REALM}${path}`)), ...change })
}

function claim(name: string, value: string): object {
  return {
    ...{ name, protocol: 'openid-connect', protocolMapper: 'oidc-hardcoded-claim-mapper' },
    config: { 'claim.name': name, 'claim.value': value, 'jsonType.label': 'String', 'access.token.claim': 'true' },
  }
}

function policies(has26: boolean): object {
  const base = { logic: 'POSITIVE', decisionStrategy: 'UNANIMOUS' }
  const roles = [
    { id: 'realm-b', required: true },
    { id: 'jupyterhub/my-perm', required: false },
  ]
  // Older servers cannot show the settings any more once a role or group of a policy is gone.
  const applied = has26 ? ['role policy', 'group policy'] : []
  const groups = [{ path: '/projects/p3', extendChildren: false }]
  return {
    ...{ allowRemoteResourceManagement: false, policyEnforcementMode: 'PERMISSIVE', decisionStrategy: 'AFFIRMATIVE' },
    scopes: [{ name: 'view' }, { name: 'edit', displayName: 'Edit' }],
    resources: [
      {
        ...{ name: 'document', type: 'urn:document', ownerManagedAccess: false, displayName: 'Document' },
        ...{ attributes: { shelf: ['1', '2'] }, uris: ['/documents/*'], scopes: [{ name: 'view' }] },
      },
    ],
    policies: [
      ...(has26
        ? [
            { name: 'role policy', type: 'role', ...base, config: { roles: JSON.stringify(roles) } },
            { name: 'group policy', type: 'group', ...base, config: { groups: JSON.stringify(groups) } },
          ]
        : []),
      {
        ...{ name: 'who may view', type: 'scope', ...base },
        config: { resources: '["document"]', scopes: '["view"]', applyPolicies: JSON.stringify(applied) },
      },
    ],
  }
}
