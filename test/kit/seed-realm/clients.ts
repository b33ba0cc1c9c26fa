import { clientUuid, grant, REALM, type Building, type Named } from './building.ts'
import { CLIENT_SECRETS, type ConfidentialClient } from './secrets.ts'

/** Clients the admin added, beside the installer's. */
export const ADMIN_CLIENTS = [
  ...['lab-portal', 'testapp', 'consentapp'],
  ...['backup-ro', 'backup-rw', 'backup-poor', 'backup-admin'],
] as const

/** Clients whose service account exists: they count among members and role users, never among the people. */
export const SERVICE_ACCOUNTS: readonly string[] = [
  ...['jupyterhub', 'conda_store', 'lab-portal'],
  ...['backup-ro', 'backup-rw', 'backup-poor', 'backup-admin'],
]

/** The client a person logs in through in tests: public, with direct access grants. */
export const LOGIN_CLIENT = 'testapp'
/** Where the login client's browser flow returns to; nothing listens there. */
export const LOGIN_REDIRECT = 'http://127.0.0.1/testapp/back'

/** Roles of `realm-management` that each service account of a backup holds (keycloak.md §2.5). Roles a version lacks are left out. */
export const BACKUP_RIGHTS = {
  'backup-ro': ['view-users', 'view-realm', 'view-clients', 'view-identity-providers', 'view-organizations'],
  'backup-rw': ['manage-realm', 'manage-users', 'manage-clients', 'manage-identity-providers', 'manage-organizations'],
  'backup-poor': ['view-users'],
  'backup-admin': ['realm-admin'],
} as const satisfies Partial<Record<ConfidentialClient, readonly string[]>>

export type BackupClient = keyof typeof BACKUP_RIGHTS

/** Scopes and clients without their roles, which refer to one another and come next. */
export async function buildClients(building: Building): Promise<void> {
  await buildScope(building)
  await buildLabPortal(building)
  await buildLoginClients(building)
  for (const clientId of Object.keys(BACKUP_RIGHTS) as BackupClient[]) await buildBackupClient(building, clientId)
}

async function buildScope({ rest }: Building): Promise<void> {
  await rest.post(`/${REALM}/client-scopes`, {
    name: 'extra-scope',
    description: 'Made by hand',
    protocol: 'openid-connect',
    attributes: {
      'include.in.token.scope': 'true',
      'display.on.consent.screen': 'true',
      'consent.screen.text': 'Mehr',
    },
    protocolMappers: [hardcodedClaim('extra-claim', 'extra')],
  })
}

async function buildLabPortal({ rest }: Building): Promise<void> {
  const flows = await rest.get<{ id: string; alias: string }[]>(`/${REALM}/authentication/flows`)
  const browser = flows.find(({ alias }) => alias === 'lab-browser')?.id
  const uuid = await rest.post(`/${REALM}/clients`, {
    clientId: 'lab-portal',
    name: 'Laborportal',
    description: 'Made by hand',
    secret: CLIENT_SECRETS['lab-portal'],
    publicClient: false,
    serviceAccountsEnabled: true,
    directAccessGrantsEnabled: false,
    redirectUris: ['https://lab.uni.example/*', 'https://lab2.uni.example/back'],
    webOrigins: ['https://lab.uni.example'],
    protocolMappers: [hardcodedClaim('lab-claim', 'lab')],
    authenticationFlowBindingOverrides: { browser },
    attributes: { 'post.logout.redirect.uris': 'https://lab.uni.example/bye##https://lab2.uni.example/bye' },
  })
  await rest.put(`/${REALM}/clients/${uuid}/default-client-scopes/${await scopeId({ rest })}`)
}

async function buildLoginClients({ rest }: Building): Promise<void> {
  const publicClient = { publicClient: true, directAccessGrantsEnabled: true, redirectUris: [LOGIN_REDIRECT] }
  const uuid = await rest.post(`/${REALM}/clients`, { clientId: LOGIN_CLIENT, ...publicClient })
  await rest.put(`/${REALM}/clients/${uuid}/optional-client-scopes/${await scopeId({ rest })}`)
  await rest.post(`/${REALM}/clients`, { clientId: 'consentapp', consentRequired: true, ...publicClient })
}

async function buildBackupClient({ rest }: Building, clientId: BackupClient): Promise<void> {
  const uuid = await rest.post(`/${REALM}/clients`, {
    clientId,
    secret: CLIENT_SECRETS[clientId],
    publicClient: false,
    standardFlowEnabled: false,
    serviceAccountsEnabled: true,
  })
  const management = await clientUuid(rest, 'realm-management')
  const known = new Set((await rest.get<Named[]>(`/${REALM}/clients/${management}/roles`)).map(({ name }) => name))
  const account = await rest.get<{ id: string }>(`/${REALM}/clients/${uuid}/service-account-user`)
  const rights = BACKUP_RIGHTS[clientId].filter((name) => known.has(name))
  await grant(rest, `/users/${account.id}`, { client: { 'realm-management': rights } })
}

function hardcodedClaim(name: string, value: string): object {
  return {
    name,
    protocol: 'openid-connect',
    protocolMapper: 'oidc-hardcoded-claim-mapper',
    config: { 'claim.name': name, 'claim.value': value, 'jsonType.label': 'String', 'access.token.claim': 'true' },
  }
}

/** The id of the scope made by hand. */
export async function scopeId({ rest }: Pick<Building, 'rest'>): Promise<string> {
  const scope = (await rest.get<Named[]>(`/${REALM}/client-scopes`)).find(({ name }) => name === 'extra-scope')
  if (scope === undefined) throw new Error('The seed realm has no scope extra-scope.')
  return scope.id
}
