/** What is in the realm before there are people: the installer's groups, clients and roles as Nebari makes them, and what an admin added by hand. */
import type { DemoVersion } from './version.ts'
import { quirksOf } from './version.ts'
import { DemoRealm } from './realm.ts'
import { builtInScopes } from './answers-scopes.ts'
import { fixedId } from './fixed-id.ts'

/** Accounts that back up and restore: the roles of realm-management they hold. */
export const DEMO_ACCOUNTS = {
  'toriki-backup': ['view-users', 'view-realm', 'view-clients', 'view-identity-providers', 'view-organizations'],
  'toriki-poor': ['view-users'],
  'toriki-powerless': [],
  'toriki-restore': [
    'manage-users',
    'manage-realm',
    'manage-clients',
    'manage-identity-providers',
    'manage-organizations',
  ],
  /** Restores people without the right to import them. */
  'toriki-restore-people': [
    'manage-users',
    'view-realm',
    'view-clients',
    'view-identity-providers',
    'manage-organizations',
  ],
  'toriki-administrator': [
    'realm-admin',
    'manage-users',
    'manage-realm',
    'manage-clients',
    'view-users',
    'view-realm',
    'view-clients',
    'view-identity-providers',
    'view-organizations',
  ],
} as const satisfies Readonly<Record<string, readonly string[]>>
export type DemoAccount = keyof typeof DEMO_ACCOUNTS

/** Client → its roles, and who of the installer's groups gets them. */
const INSTALLED: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  jupyterhub: {
    jupyterhub_admin: ['admin'],
    jupyterhub_developer: ['developer', 'analyst'],
    dask_gateway_admin: ['admin'],
    dask_gateway_developer: ['developer'],
    'allow-app-sharing-role': [],
    'allow-read-access-to-services-role': ['analyst'],
    'allow-group-directory-creation-role': ['admin', 'developer', 'analyst'],
  },
  conda_store: {
    conda_store_superadmin: ['superadmin'],
    conda_store_admin: ['admin'],
    conda_store_developer: ['developer', 'analyst'],
  },
  grafana: { grafana_admin: ['admin'], grafana_developer: ['developer'], grafana_viewer: ['analyst'] },
  'argo-server-sso': { 'argo-admin': ['admin'], 'argo-developer': ['developer'], 'argo-viewer': ['analyst'] },
  forwardauth: {},
}
const MANAGEMENT = [
  'realm-admin',
  'manage-users',
  'manage-realm',
  'manage-clients',
  'manage-identity-providers',
  'view-users',
  'view-realm',
  'view-clients',
  'view-identity-providers',
  'query-users',
  'query-groups',
]

export function makeRealm(seed: string, version: DemoVersion): DemoRealm {
  const realm = new DemoRealm('nebari', seed)
  Object.assign(realm.settings, {
    ...{
      displayName: 'Nebari',
      displayNameHtml: '<b>Nebari</b>',
      enabled: true,
      sslRequired: 'external',
      loginTheme: 'keycloak',
      rememberMe: true,
    },
    ...{
      accessTokenLifespan: 300,
      ssoSessionIdleTimeout: 7200,
      ssoSessionMaxLifespan: 36_000,
      bruteForceProtected: true,
      passwordPolicy: 'length(8)',
      notBefore: 0,
    },
    ...{
      internationalizationEnabled: true,
      supportedLocales: ['en', 'de'],
      defaultLocale: 'en',
      eventsEnabled: true,
      eventsListeners: ['jboss-logging'],
    },
    ...{ registrationEmailAsUsername: false, browserFlow: 'browser', directGrantFlow: 'direct grant' },
    browserSecurityHeaders: {
      contentSecurityPolicy: "frame-ancestors 'self'; object-src 'none';",
      xFrameOptions: 'SAMEORIGIN',
    },
    smtpServer: {
      host: 'mail.example.org',
      port: '587',
      from: 'nebari@example.org',
      auth: 'true',
      user: 'nebari',
      password: 'demo-smtp-password',
    },
    attributes: { frontendUrl: 'https://nebari.example.org/auth/', realmReusableOtpCode: 'false' },
    ...(quirksOf(version).organizations === 'none' ? {} : { organizationsEnabled: true }),
  })
  for (const scope of builtInScopes(realm)) realm.scopes.set(scope.id, scope)
  installClients(realm, version)
  installGroups(realm)
  addByHand(realm, version)
  for (const [clientId, roles] of Object.entries(DEMO_ACCOUNTS)) addServiceAccount(realm, clientId, roles)
  for (const clientId of ['jupyterhub', 'conda_store'])
    addServiceAccount(realm, clientId, ['view-realm', 'view-users', 'view-clients'])
  return realm
}

function installClients(realm: DemoRealm, version: DemoVersion): void {
  realm.addClient({ clientId: 'account', publicClient: true })
  realm.addClient({ clientId: 'realm-management', bearerOnly: true })
  realm.addClient({ clientId: 'admin-cli', publicClient: true, directGrants: true })
  const roles =
    quirksOf(version).organizations === 'open'
      ? [...MANAGEMENT, 'view-organizations', 'manage-organizations']
      : MANAGEMENT
  for (const name of roles) realm.role('realm-management', name)
  realm.role('realm-management', 'realm-admin').composites = roles
    .filter((name) => name !== 'realm-admin')
    .map((name) => realm.role('realm-management', name).id)
  realm.role('account', 'manage-account')
  for (const [clientId, ownRoles] of Object.entries(INSTALLED)) {
    const serviceAccount = clientId === 'jupyterhub' || clientId === 'conda_store'
    const mapper = {
      name: 'group-membership-mapper',
      protocol: 'openid-connect',
      protocolMapper: 'oidc-group-membership-mapper',
      config: { 'full.path': 'true', 'claim.name': 'groups' },
    }
    realm.addClient({
      clientId,
      serviceAccount,
      redirectUris: [`https://nebari.example.org/${clientId}/oauth_callback`],
      mappers: [{ id: fixedId(realm.seed, 'mapper', clientId), ...mapper }],
    })
    for (const name of Object.keys(ownRoles)) realm.role(clientId, name)
  }
  for (const clientId of Object.keys(DEMO_ACCOUNTS)) realm.addClient({ clientId, serviceAccount: true })
  const standard = realm.role(undefined, 'default-roles-nebari')
  standard.description = '${role_default-roles}'
  standard.composites = [realm.role(undefined, 'offline_access').id, realm.role('account', 'manage-account').id]
}

function installGroups(realm: DemoRealm): void {
  for (const name of ['superadmin', 'admin', 'developer', 'analyst', 'users']) realm.group([name])
  for (const [clientId, roles] of Object.entries(INSTALLED)) {
    for (const [role, groups] of Object.entries(roles))
      for (const name of groups) (realm.group([name]).clientRoles[clientId] ??= []).push(role)
  }
  realm.group(['superadmin']).clientRoles['realm-management'] = ['realm-admin']
  realm.defaultGroups = [realm.group(['users']).id, realm.group(['analyst']).id]
}

/** What people forget when they think that everything comes from the installer. */
function addByHand(realm: DemoRealm, version: DemoVersion): void {
  realm.group(['admin']).attributes = { jupyterlab_profiles: ['Small Instance', 'GPU'] }
  // More children than a default page holds, and a name with a slash in it.
  for (let index = 1; index <= 12; index++)
    realm.group(['projects', `p${index}`]).attributes = { budget: [String(index * 1000)] }
  realm.group(['projects', 'p3', 'deep']).attributes = { note: ['second', 'first'] }
  realm.group(['a/b'])
  realm.group(['a', 'b'])
  const sharing = realm.role('jupyterhub', 'my-perm')
  sharing.description = 'May share servers'
  sharing.attributes = { component: ['jupyterhub'], scopes: ['shares!user,read:users:name'] }
  realm.group(['developer']).clientRoles['jupyterhub']?.push('my-perm')
  const lab = realm.role(undefined, 'lab-member')
  lab.attributes = { building: ['B2'] }
  lab.composites = [realm.role(undefined, 'zeta-role').id, sharing.id]
  realm.group(['projects', 'p3']).realmRoles = ['lab-member']
  const claim = {
    name: 'lab',
    protocol: 'openid-connect',
    protocolMapper: 'oidc-hardcoded-claim-mapper',
    config: { 'claim.name': 'lab', 'claim.value': 'yes' },
  }
  realm.addClient({
    clientId: 'lab-portal',
    redirectUris: ['https://lab.example.org/*', 'https://lab2.example.org/back'],
    mappers: [{ id: fixedId(realm.seed, 'claim'), ...claim }],
    browserFlow: 'lab browser',
  })
  realm.addClient({ clientId: 'survey', publicClient: true, consentRequired: true })
  if (quirksOf(version).organizations === 'none') return
  for (let index = 1; index <= 12; index++) {
    const id = fixedId(realm.seed, 'organization', String(index))
    realm.organizations.set(id, { id, alias: `org-${index}`, domain: `org-${index}.example`, city: 'Köln' })
  }
}

function addServiceAccount(realm: DemoRealm, clientId: string, roles: readonly string[]): void {
  const known = roles.filter((name) => realm.roles.has(fixedId(realm.seed, 'role', 'realm-management', name)))
  const id = fixedId(realm.seed, 'service-account', clientId)
  realm.serviceAccounts.set(id, {
    id,
    username: `service-account-${clientId.toLowerCase()}`,
    ...{
      emailVerified: false,
      enabled: true,
      createdTimestamp: 1_700_000_000_000,
      notBefore: 0,
      attributes: {},
      requiredActions: [],
    },
    groups: [...realm.defaultGroups],
    realmRoles: ['default-roles-nebari'],
    clientRoles: known.length === 0 ? {} : { 'realm-management': [...known] },
    ...{ federatedIdentities: [], consents: {}, organizations: [], credentials: [] },
    serviceAccountOf: clientId,
  })
}
