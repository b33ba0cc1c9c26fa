/** What the stand-in says of the realm's shared state. */
import { MASK, missing, need, pageOf } from './asking.ts'
import type { Asking } from './asking.ts'
import type { DemoClient, DemoGroup, DemoRole } from './realm.ts'

/** Everything with the right to see the realm; else a few members and no error, whoever asks. */
export function theRealm(asking: Asking): object {
  const { realm, may } = asking
  const {
    displayName,
    displayNameHtml,
    supportedLocales,
    defaultLocale,
    organizationsEnabled,
    registrationEmailAsUsername,
    bruteForceProtected,
  } = realm.settings
  if (!may('view-realm')) {
    const some = {
      displayName,
      displayNameHtml,
      registrationEmailAsUsername,
      bruteForceProtected,
      supportedLocales,
      defaultLocale,
      organizationsEnabled,
    }
    return { realm: realm.name, ...(may('view-users') ? some : {}) }
  }
  return {
    id: realm.id,
    realm: realm.name,
    ...realm.settings,
    smtpServer: { ...(realm.settings['smtpServer'] as object), password: MASK },
    defaultRole: {
      id: realm.role(undefined, 'default-roles-nebari').id,
      name: 'default-roles-nebari',
      composite: true,
      clientRole: false,
      containerId: realm.id,
    },
    defaultGroups: realm.defaultGroups.map((id) => realm.pathOf(realm.groups.get(id) as DemoGroup)),
  }
}

export function listGroups(asking: Asking): readonly object[] {
  need(asking, 'view-users', 'query-groups')
  return pageOf(childrenOf(asking, undefined), asking, -1).map((group) => describeGroup(asking, group))
}

export function listChildren(asking: Asking, id: string): readonly object[] {
  need(asking, 'view-users', 'query-groups')
  if (!asking.realm.groups.has(id)) throw missing('Could not find group by id')
  return pageOf(childrenOf(asking, id), asking, 10).map((group) => describeGroup(asking, group))
}

export function defaultGroups({ realm, ...asking }: Asking): readonly object[] {
  need({ realm, ...asking }, 'view-realm')
  return realm.defaultGroups.map((id) => ({
    id,
    name: realm.groups.get(id)?.name,
    path: realm.pathOf(realm.groups.get(id) as DemoGroup),
  }))
}

function childrenOf({ realm }: Asking, parent: string | undefined): readonly DemoGroup[] {
  return [...realm.groups.values()].filter((group) => group.parent === parent)
}

/** Attributes and roles only when the brief form is refused. */
function describeGroup(asking: Asking, group: DemoGroup): object {
  const { id, name, description, attributes, realmRoles, clientRoles } = group
  const children = childrenOf(asking, id)
  const below = asking.quirks.nestedGroups
    ? { subGroups: children.map((child) => describeGroup(asking, child)) }
    : { subGroupCount: children.length, subGroups: [] }
  return {
    id,
    name,
    ...(description === undefined ? {} : { description }),
    path: asking.realm.pathOf(group),
    ...below,
    ...(asking.query.get('briefRepresentation') === 'false' ? { attributes, realmRoles, clientRoles } : {}),
  }
}

export function listRoles(asking: Asking, client: string | undefined): readonly object[] {
  need(asking, client === undefined ? 'view-realm' : 'view-clients')
  return [...asking.realm.roles.values()]
    .filter((role) => role.client === client)
    .map((role) => describeRole(asking, role, asking.query.get('briefRepresentation') === 'false'))
}

export function compositesOf(asking: Asking, id: string): readonly object[] {
  need(asking, 'view-realm', 'view-clients')
  const role = asking.realm.roles.get(id)
  if (role === undefined) throw missing('Could not find role')
  return role.composites.map((part) => describeRole(asking, asking.realm.roles.get(part) as DemoRole, false))
}

function describeRole(
  { realm }: Asking,
  { id, name, description, client, attributes, composites }: DemoRole,
  withAttributes: boolean,
): object {
  const containerId = client === undefined ? realm.id : realm.clientNamed(client)?.id
  return {
    id,
    name,
    ...(description === undefined ? {} : { description }),
    composite: composites.length > 0,
    clientRole: client !== undefined,
    containerId,
    ...(withAttributes ? { attributes } : {}),
  }
}

export function listClients(asking: Asking): readonly object[] {
  need(asking, 'view-clients', 'query-clients')
  if (!asking.may('view-clients')) return []
  const wanted = asking.query.get('clientId')
  return pageOf(
    [...asking.realm.clients.values()].filter(({ clientId }) => wanted === null || clientId === wanted),
    asking,
    -1,
  ).map((client) => describeClient(asking, client))
}

function describeClient({ realm, quirks }: Asking, client: DemoClient): object {
  const {
    id,
    clientId,
    secret,
    publicClient,
    bearerOnly,
    consentRequired,
    directGrants,
    serviceAccount,
    redirectUris,
    mappers,
    browserFlow,
    defaultScopes,
    optionalScopes,
    own,
  } = client
  return {
    ...{
      id,
      clientId,
      enabled: true,
      protocol: 'openid-connect',
      publicClient,
      bearerOnly,
      consentRequired,
      redirectUris,
      webOrigins: [],
      notBefore: 0,
      ...own,
    },
    ...(secret === undefined || !quirks.secretInClients ? {} : { secret }),
    ...{
      serviceAccountsEnabled: serviceAccount,
      standardFlowEnabled: own['standardFlowEnabled'] ?? (!serviceAccount || redirectUris.length > 0),
      directAccessGrantsEnabled: directGrants,
      fullScopeAllowed: own['fullScopeAllowed'] ?? true,
    },
    attributes: {
      ...((own['attributes'] as object | undefined) ?? { 'post.logout.redirect.uris': '+' }),
      'client.secret.creation.time': '1700000000',
      ...(quirks.emptyMembers ? {} : { realm_client: String(bearerOnly) }),
    },
    authenticationFlowBindingOverrides:
      browserFlow === undefined ? {} : { browser: realm.parts.flows.named(browserFlow)?.id },
    ...{
      nodeReRegistrationTimeout: -1,
      protocolMappers: mappers,
      defaultClientScopes: defaultScopes,
      optionalClientScopes: optionalScopes,
    },
    access: { view: true, configure: false, manage: false },
  }
}

/** As in the list. */
export function oneClient(asking: Asking, id: string): object {
  return describeClient(asking, clientOf(asking, id))
}

export function clientOf(asking: Asking, id: string): DemoClient {
  need(asking, 'view-clients')
  const client = asking.realm.clients.get(id)
  if (client === undefined) throw missing('Could not find client')
  return client
}

/** Before 24 the only way to see it. */
export function clientSecret(asking: Asking, id: string): object {
  return { type: 'secret', value: clientOf(asking, id).secret }
}

export function serviceAccountOf(asking: Asking, id: string): object {
  const { clientId } = clientOf(asking, id)
  const user = [...asking.realm.serviceAccounts.values()].find(({ serviceAccountOf: owner }) => owner === clientId)
  if (user === undefined) throw missing('Service account not enabled')
  return {
    id: user.id,
    username: user.username,
    enabled: user.enabled,
    attributes: user.attributes,
    emailVerified: false,
    createdTimestamp: user.createdTimestamp,
    requiredActions: [],
    notBefore: 0,
    serviceAccountClientId: clientId,
  }
}

export function listOrganizations(asking: Asking): readonly object[] {
  needOrganizations(asking)
  const all = [...asking.realm.organizations.values()].map(({ id, alias, domain, city }) => ({
    ...{ id, name: alias.toUpperCase(), alias, enabled: true, domains: [{ name: domain, verified: false }] },
    ...(asking.query.get('briefRepresentation') === 'false' ? { attributes: { city: [city] } } : {}),
  }))
  return pageOf(all, asking, 10)
}

export function needOrganizations(asking: Asking): void {
  if (asking.quirks.organizations === 'none') throw missing('Unable to find matching target resource method')
  need(asking, asking.quirks.organizations === 'open' ? 'view-organizations' : 'realm-admin', 'realm-admin')
}
