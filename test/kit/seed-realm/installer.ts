import { eachOf } from '../servers/admin-rest.ts'
import { clientRoles, clientUuid, grant, REALM, type Building } from './building.ts'
import { DEFAULT_GROUPS, findGroup, INSTALLER_GROUPS } from './groups.ts'
import { CLIENT_SECRETS, GITHUB_SECRET } from './secrets.ts'

interface InstallerClient {
  readonly clientId: 'jupyterhub' | 'conda_store' | 'grafana' | 'argo-server-sso' | 'forwardauth'
  readonly serviceAccount: boolean
  readonly roles: readonly string[]
  /** Group name to the client's roles that it carries. */
  readonly bindings: Readonly<Record<string, readonly string[]>>
}

const GROUP_DIRECTORY = 'allow-group-directory-creation-role'

/** The clients of Nebari's Terraform (nebari.md §1.3). */
export const INSTALLER_CLIENTS: readonly InstallerClient[] = [
  {
    clientId: 'jupyterhub',
    serviceAccount: true,
    roles: [
      ...['jupyterhub_admin', 'jupyterhub_developer', 'dask_gateway_admin', 'dask_gateway_developer'],
      ...['allow-app-sharing-role', 'allow-read-access-to-services-role', GROUP_DIRECTORY],
    ],
    bindings: {
      admin: ['jupyterhub_admin', 'dask_gateway_admin', GROUP_DIRECTORY],
      developer: ['jupyterhub_developer', 'dask_gateway_developer', GROUP_DIRECTORY],
      analyst: ['jupyterhub_developer', 'allow-read-access-to-services-role', GROUP_DIRECTORY],
    },
  },
  {
    clientId: 'conda_store',
    serviceAccount: true,
    roles: ['conda_store_superadmin', 'conda_store_admin', 'conda_store_developer'],
    bindings: {
      superadmin: ['conda_store_superadmin'],
      admin: ['conda_store_admin'],
      developer: ['conda_store_developer'],
      analyst: ['conda_store_developer'],
    },
  },
  {
    clientId: 'grafana',
    serviceAccount: false,
    roles: ['grafana_admin', 'grafana_developer', 'grafana_viewer'],
    bindings: { admin: ['grafana_admin'], developer: ['grafana_developer'], analyst: ['grafana_viewer'] },
  },
  {
    clientId: 'argo-server-sso',
    serviceAccount: false,
    roles: ['argo-admin', 'argo-developer', 'argo-viewer'],
    bindings: { admin: ['argo-admin'], developer: ['argo-developer'], analyst: ['argo-viewer'] },
  },
  { clientId: 'forwardauth', serviceAccount: false, roles: [], bindings: {} },
]

/** What Nebari's installer makes; everything after it is the admin's. */
export async function buildInstallerLayer(building: Building): Promise<void> {
  const { rest } = building
  await rest.post('', {
    realm: REALM,
    enabled: true,
    displayName: 'Nebari',
    sslRequired: 'external',
    eventsEnabled: true,
    adminEventsEnabled: true,
    adminEventsDetailsEnabled: true,
    ...(building.organizations ? { organizationsEnabled: true } : {}),
  })
  await buildProfile(building)
  for (const name of INSTALLER_GROUPS) await rest.post(`/${REALM}/groups`, { name })
  for (const name of DEFAULT_GROUPS) await rest.put(`/${REALM}/default-groups/${await findGroup(rest, [name])}`)
  for (const client of INSTALLER_CLIENTS) await buildClient(building, client)
  await bindRealmManagement(building)
  await buildGithub(building)
}

interface Profile {
  attributes: { name: string; required?: unknown; validations?: Record<string, unknown> }[]
  unmanagedAttributePolicy?: string
}

/** Nobody needs an e-mail or a name, and other attributes are allowed (variant A). */
async function buildProfile({ rest, variant }: Building): Promise<void> {
  const profile = await rest.get<Profile>(`/${REALM}/users/profile`)
  for (const attribute of profile.attributes) {
    if (attribute.name === 'username')
      attribute.validations = { ...attribute.validations, length: { min: 3, max: 255 } }
    else delete attribute.required
  }
  if (variant === 'A') profile.unmanagedAttributePolicy = 'ENABLED'
  await rest.put(`/${REALM}/users/profile`, profile)
}

async function buildClient({ rest }: Building, client: InstallerClient): Promise<void> {
  const { clientId } = client
  const uuid = await rest.post(`/${REALM}/clients`, {
    clientId,
    secret: CLIENT_SECRETS[clientId],
    publicClient: false,
    standardFlowEnabled: true,
    serviceAccountsEnabled: client.serviceAccount,
    redirectUris: [`https://nebari.uni.example/${clientId}/oauth_callback`],
    protocolMappers: protocolMappers(clientId),
  })
  for (const name of client.roles) {
    await rest.post(`/${REALM}/clients/${uuid}/roles`, { name, description: name, ...roleAttributes(name) })
  }
  for (const [group, names] of Object.entries(client.bindings)) {
    await grant(rest, `/groups/${await findGroup(rest, [group])}`, { client: { [clientId]: names } })
  }
  if (client.serviceAccount) {
    const account = await rest.get<{ id: string }>(`/${REALM}/clients/${uuid}/service-account-user`)
    const names = ['view-realm', 'view-users', 'view-clients']
    await grant(rest, `/users/${account.id}`, { client: { 'realm-management': names } })
  }
}

function roleAttributes(name: string): object {
  if (name === 'allow-app-sharing-role')
    return { attributes: { component: ['jupyterhub'], scopes: ['shares,read:users:name,read:groups:name'] } }
  if (name === GROUP_DIRECTORY)
    return { attributes: { component: ['shared-directory'], scopes: ['write:shared-mount'] } }
  return {}
}

function protocolMappers(clientId: string): object[] {
  const everywhere = { 'id.token.claim': 'true', 'access.token.claim': 'true', 'userinfo.token.claim': 'true' }
  const mapper = (name: string, protocolMapper: string, config: object): object => ({
    name,
    protocol: 'openid-connect',
    protocolMapper,
    config: { ...everywhere, ...config },
  })
  return [
    mapper('user-client-role-mapper', 'oidc-usermodel-client-role-mapper', {
      'claim.name': 'roles',
      'jsonType.label': 'String',
      multivalued: 'true',
    }),
    mapper('group-membership-mapper', 'oidc-group-membership-mapper', { 'claim.name': 'groups', 'full.path': 'true' }),
    ...(clientId === 'jupyterhub'
      ? [
          mapper('jupyterlab_profiles_mapper', 'oidc-usermodel-attribute-mapper', {
            'claim.name': 'jupyterlab_profiles',
            'user.attribute': 'jupyterlab_profiles',
            'jsonType.label': 'String',
            multivalued: 'true',
            'aggregate.attrs': 'true',
          }),
        ]
      : []),
  ]
}

async function bindRealmManagement({ rest }: Building): Promise<void> {
  const uuid = await clientUuid(rest, 'realm-management')
  const bindings = { admin: ['query-users', 'query-groups', 'manage-users'], superadmin: ['realm-admin'] }
  await eachOf(Object.entries(bindings), 2, async ([group, names]) => {
    const id = await findGroup(rest, [group])
    await rest.post(`/${REALM}/groups/${id}/role-mappings/clients/${uuid}`, await clientRoles(rest, uuid, names))
  })
}

/** The flow `detect-existing` and the provider `github` that logs in through it. */
async function buildGithub({ rest }: Building): Promise<void> {
  const flow = { alias: 'detect-existing', providerId: 'basic-flow', topLevel: true, builtIn: false }
  await rest.post(`/${REALM}/authentication/flows`, { ...flow, description: 'Link to the account of the same e-mail' })
  for (const provider of ['idp-detect-existing-broker-user', 'idp-auto-link']) {
    await rest.post(`/${REALM}/authentication/flows/detect-existing/executions/execution`, { provider })
  }
  const executions = await rest.get<{ id: string }[]>(`/${REALM}/authentication/flows/detect-existing/executions`)
  for (const execution of executions) {
    const body = { ...execution, requirement: 'REQUIRED' }
    await rest.put(`/${REALM}/authentication/flows/detect-existing/executions`, body)
  }
  await rest.post(`/${REALM}/identity-provider/instances`, {
    alias: 'github',
    providerId: 'github',
    enabled: true,
    trustEmail: true,
    storeToken: false,
    firstBrokerLoginFlowAlias: 'detect-existing',
    config: { clientId: 'github-client', clientSecret: GITHUB_SECRET, syncMode: 'IMPORT' },
  })
}
