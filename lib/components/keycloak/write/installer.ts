/**
 * What Nebari's installer makes in the realm, and makes again with each deploy: compared, written only when asked (`options.installerOwned`). What an administrator adds to
 * it (roles of a group, attributes, mappers) is the administrator's, survives a deploy, and is restored.
 *
 * Each fact with its source: the deploy of Nebari (paths below `src/_nebari/stages/`: KCC `kubernetes_keycloak_configuration/template`, SVC
 * `kubernetes_services/template/modules/kubernetes`), and of Nebari's next generation (NIC, `pkg/argocd/templates/manifests/keycloak/realm-setup-job.yaml`).
 */
import type { Part } from './installer-part.ts'

/** SVC `services/{jupyterhub,monitoring,argo-workflows}/main.tf`, `services/conda-store/server.tf`, `forwardauth/main.tf`: client → role → groups that have it. */
const ROLES: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
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

/** Roles that others make and the installer gives. KCC `permissions.tf`: all bindings are `exhaustive = false`. */
const GIVEN: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  ...ROLES,
  'realm-management': {
    'query-users': ['admin'],
    'query-groups': ['admin'],
    'manage-users': ['admin'],
    'realm-admin': ['superadmin'],
  },
}

/** KCC `main.tf` (`keycloak_group.groups`) and `__init__.py`; `users` where `security.shared_users_group` is on. Last: NIC. */
const GROUPS: ReadonlySet<string> = new Set([
  ...['superadmin', 'admin', 'developer', 'analyst', 'users'],
  ...['argocd-admins', 'argocd-viewers', 'longhorn-admins'],
])
/** KCC `__init__.py`. */
const DEFAULT_GROUPS: ReadonlySet<string> = new Set(['analyst', 'users'])

/** SVC, as above; their secrets are made by the deploy and lie in the cluster. Last: NIC, which takes them from the cluster. */
const CLIENTS: ReadonlySet<string> = new Set([...Object.keys(ROLES), 'argocd', 'longhorn'])
/** `nebari_tf_extensions/template/modules/nebariextension/keycloak-config.tf`. */
const EXTENSION_CLIENT = /^nebari-ext-.+-client$/

/** SVC `services/keycloak-client/main.tf`: everything of a client but what an administrator adds beside it. The last three Keycloak before 25 adds to a client with a service account. */
const CLIENT: Part = {
  members: {
    mappers: {
      members: {
        'user-client-role-mapper': 'installer',
        'group-membership-mapper': 'installer',
        jupyterlab_profiles_mapper: 'installer',
        'Client ID': 'installer',
        'Client Host': 'installer',
        'Client IP Address': 'installer',
      },
      others: 'admin',
    },
    roleScope: 'admin',
  },
  others: 'installer',
}

/** SVC `services/jupyterhub/main.tf`, `services/conda-store/server.tf`: `service-account-roles`. */
const SERVICE_ACCOUNTS: ReadonlySet<string> = new Set(['jupyterhub', 'conda_store'])
const SERVICE_ACCOUNT: Part = {
  members: {
    clientRoles: {
      members: { 'realm-management': { names: ['view-realm', 'view-users', 'view-clients'] } },
      others: 'admin',
    },
  },
  others: 'admin',
}

/** KCC `main.tf`: what `keycloak_realm.main` sets outside `ignore_changes`, and `keycloak_realm_events`. */
const REALM: Part = {
  members: Object.fromEntries(
    [
      ...['displayName', 'enabled', 'sslRequired', 'userManagedAccessAllowed', 'revokeRefreshToken'],
      ...['refreshTokenMaxReuse', 'offlineSessionMaxLifespanEnabled', 'browserFlow', 'directGrantFlow'],
      ...['registrationFlow', 'resetCredentialsFlow', 'clientAuthenticationFlow', 'dockerAuthenticationFlow'],
      ...['eventsEnabled', 'adminEventsEnabled', 'adminEventsDetailsEnabled', 'enabledEventTypes', 'eventsListeners'],
    ].map((name) => [name, 'installer'] as const),
  ),
  others: 'admin',
}

/** KCC `main.tf`, `keycloak_realm_user_profile`. */
const USER_PROFILE: Part = {
  members: {
    unmanagedAttributePolicy: 'installer',
    attributes: {
      members: { username: 'installer', email: 'installer', firstName: 'installer', lastName: 'installer' },
      others: 'admin',
    },
    groups: { members: { 'user-metadata': 'installer' }, others: 'admin' },
  },
  others: 'admin',
}

/** KCC `social_auth.tf`; mappers are not among what it makes. */
const PROVIDERS: ReadonlySet<string> = new Set(['github', 'auth0'])
const PROVIDER: Part = { members: { mappers: 'admin' }, others: 'installer' }
/** KCC `social_auth.tf`. */
const FLOWS: ReadonlySet<string> = new Set(['detect-existing'])

/** What of the resource is the installer's; `undefined`: nothing. */
export function installerPart(kind: string, segments: readonly string[]): Part | undefined {
  const [name = '', second] = segments
  switch (kind) {
    case 'realm':
      return REALM
    case 'user-profile':
      return USER_PROFILE
    case 'flow':
      return FLOWS.has(name) ? 'installer' : undefined
    case 'identity-provider':
      return PROVIDERS.has(name) ? PROVIDER : undefined
    case 'client':
      return CLIENTS.has(name) || EXTENSION_CLIENT.test(name) ? CLIENT : undefined
    case 'client-role':
      return Object.hasOwn(ROLES[name] ?? {}, second ?? '') ? 'installer' : undefined
    case 'service-account':
      return SERVICE_ACCOUNTS.has(name) ? SERVICE_ACCOUNT : undefined
    case 'group':
      return second === undefined && GROUPS.has(name) ? groupPart(name) : undefined
    case 'default-group':
      return second === undefined && DEFAULT_GROUPS.has(name) ? 'installer' : undefined
    default:
      return undefined
  }
}

/** Does the installer make this one? Then it is neither made nor removed by a restore unless asked. */
export function isInstallerOwned(kind: string, segments: readonly string[]): boolean {
  return installerPart(kind, segments) !== undefined
}

/** The roles that the installer gives; attributes are left to administrators (KCC `main.tf`, `ignore_changes`). */
function groupPart(name: string): Part {
  const ofClients = Object.entries(GIVEN).map(([clientId, roles]): [string, Part] => [
    clientId,
    {
      names: Object.entries(roles)
        .filter(([, groups]) => groups.includes(name))
        .map(([role]) => role),
    },
  ])
  return { members: { clientRoles: { members: Object.fromEntries(ofClients), others: 'admin' } }, others: 'admin' }
}

/** The reason of a forecast that leaves the installer's as it is. */
export const INSTALLER_LEFT =
  'It is what the installer of Nebari makes: a deploy brings it back. It is compared, and written only with --installer-owned.'
