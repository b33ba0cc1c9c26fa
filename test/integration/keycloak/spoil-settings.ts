/** Settings beside those of the seed realm, and what an administrator does to all of them by mistake. */
import { REALM } from '../../kit/seed-realm/building.ts'
import type { AdminRest } from '../../kit/servers/admin-rest.ts'

const R = `/${REALM}`
const AUTHENTICATION = `${R}/authentication`
const PROVIDERS = `${R}/identity-provider/instances`
const FEDERATION = 'org.keycloak.storage.UserStorageProvider'
const REGISTRATION = 'org.keycloak.services.clientregistration.policy.ClientRegistrationPolicy'

interface Component {
  readonly id: string
  readonly name: string
  readonly providerType: string
  readonly parentId: string
  readonly subType?: string
  readonly config: Record<string, string[]>
}
interface Execution {
  readonly id: string
  readonly providerId?: string
  readonly displayName: string
  readonly flowId?: string
}

/** Each kind gets one that will be removed; and flows are used by others. */
export async function addSettings(rest: AdminRest): Promise<void> {
  await rest.post(`${AUTHENTICATION}/flows/registration/copy`, { newName: 'lab registration' })
  await rest.post(`${AUTHENTICATION}/flows/first%20broker%20login/copy`, { newName: 'lab first login' })
  const [execution] = (await executions(rest, 'lab first login')).filter(
    ({ providerId }) => providerId === 'idp-review-profile',
  )
  await rest.delete(`${AUTHENTICATION}/executions/${execution?.id}`)
  const { id: portal } = await clientNamed(rest, 'lab-portal')
  const flows = await rest.get<{ id: string; alias: string }[]>(`${AUTHENTICATION}/flows`)
  await edit(rest, `${R}/clients/${portal}`, {
    authenticationFlowBindingOverrides: { browser: flows.find(({ alias }) => alias === 'lab-browser')?.id },
  })
  await edit(rest, `${PROVIDERS}/oidc-uni`, {
    firstBrokerLoginFlowAlias: 'lab first login',
    postBrokerLoginFlowAlias: 'lab-browser',
  })
  await rest.post(PROVIDERS, {
    ...{
      alias: 'second',
      providerId: 'oidc',
      enabled: true,
      displayName: 'Zweite',
      firstBrokerLoginFlowAlias: 'lab first login',
    },
    config: {
      clientId: 'c',
      clientSecret: 'second-secret',
      authorizationUrl: 'https://a.invalid/a',
      tokenUrl: 'https://a.invalid/t',
    },
  })
  await rest.post(`${PROVIDERS}/second/mappers`, {
    ...{ name: 'role', identityProviderAlias: 'second', identityProviderMapper: 'oidc-hardcoded-role-idp-mapper' },
    config: { syncMode: 'INHERIT', role: 'realm-b' },
  })
  const { id: parentId } = await rest.get<{ id: string }>(R)
  const ldap = (await components(rest)).find(({ name }) => name === 'ldap-uni')
  await rest.post(`${R}/components`, {
    ...{ name: 'ldap-second', providerId: 'ldap', providerType: FEDERATION, parentId },
    config: { ...ldap?.config, bindCredential: ['second-secret'] },
  })
  const second = (await components(rest)).find(({ name }) => name === 'ldap-second')
  const below = (await components(rest)).filter((one) => one.parentId === second?.id)
  await rest.delete(`${R}/components/${below.find(({ name }) => name === 'modify date')?.id}`)
  await rest.post(`${R}/components`, {
    ...{ name: 'role for all', providerId: 'hardcoded-ldap-role-mapper', parentId: second?.id },
    ...{ providerType: 'org.keycloak.storage.ldap.mappers.LDAPStorageMapper', config: { role: ['realm-b'] } },
  })
  await policies(rest, 'profiles', (list) => [
    ...list,
    {
      name: 'second-profile',
      description: 'Zweites',
      executors: [{ executor: 'pkce-enforcer', configuration: { 'auto-configure': true } }],
    },
  ])
  await policies(rest, 'policies', (list) => [
    ...list,
    { name: 'second-policy', enabled: true, conditions: [], profiles: ['second-profile', 'lab-profile'] },
  ])
  await edit(rest, R, { firstBrokerLoginFlow: 'lab first login' })
}

/** Changes, removes and adds in every kind. */
export async function spoilSettings(rest: AdminRest): Promise<void> {
  await spoilFlows(rest)
  await spoilRealm(rest)
  await spoilFederation(rest)
  await rest.putText(`${R}/localization/de/greeting`, 'Servus, {0}')
  await rest.putText(`${R}/localization/de/other`, 'Anderes')
  await rest.delete(`${R}/localization/en`)
  await rest.putText(`${R}/localization/fr/greeting`, 'Bonjour, {0}')
  const actions = `${AUTHENTICATION}/required-actions`
  await edit(rest, `${actions}/TERMS_AND_CONDITIONS`, { enabled: false, name: 'Other' })
  await edit(rest, `${actions}/UPDATE_PASSWORD`, { config: { max_auth_age: '60' } })
  await rest.delete(`${actions}/UPDATE_PROFILE`)
  await policies(rest, 'policies', (list) => [
    { ...list.find(({ name }) => name === 'lab-policy'), enabled: true, description: 'On' },
    { name: 'stray-policy', enabled: true, conditions: [], profiles: [] },
  ])
  await policies(rest, 'profiles', () => [
    { name: 'lab-profile', description: 'Changed', executors: [] },
    { name: 'stray-profile', executors: [] },
  ])
  const profile = await rest.get<{
    attributes: { name: string }[]
    groups: { name: string; displayHeader?: string }[]
  }>(`${R}/users/profile`)
  await rest.put(`${R}/users/profile`, {
    ...profile,
    attributes: [{ name: 'stray' }, ...profile.attributes.filter(({ name }) => name !== 'faculty')].sort((a, b) =>
      a.name === 'username' ? -1 : b.name === 'username' ? 1 : 0,
    ),
    groups: profile.groups.map((group) => (group.name === 'study' ? { ...group, displayHeader: 'Changed' } : group)),
  })
}

async function spoilRealm(rest: AdminRest): Promise<void> {
  const realm = await rest.get<{ attributes: Record<string, string>; smtpServer: Record<string, string> }>(R)
  const { custom_realm_attr: _gone, ...attributes } = realm.attributes
  await rest.put(R, {
    ...{
      displayName: 'Spoiled',
      displayNameHtml: '',
      ssoSessionIdleTimeout: 60,
      accessTokenLifespan: 30,
      loginTheme: 'keycloak',
    },
    ...{ passwordPolicy: '', otpPolicyDigits: 6, otpPolicyCodeReusable: true, eventsExpiration: 0, failureFactor: 3 },
    ...{ supportedLocales: ['en', 'fr'], defaultLocale: 'fr', verifyEmail: true, clientSessionIdleTimeout: 50 },
    ...{ firstBrokerLoginFlow: 'first broker login' },
    attributes: { ...attributes, other: 'changed', stray: 'added', clientSessionIdleTimeout: '50' },
    browserSecurityHeaders: { contentSecurityPolicy: "frame-ancestors 'none'", xFrameOptions: 'DENY' },
    smtpServer: { ...realm.smtpServer, host: 'elsewhere.invalid' },
  })
}

async function spoilFlows(rest: AdminRest): Promise<void> {
  // One that keeps its steps, one that does not and is used, one that is removed, one that is added, one of Keycloak's own.
  const first = await executions(rest, 'lab first login')
  const unique = first.find(({ providerId }) => providerId === 'idp-create-user-if-unique')
  await rest.put(`${AUTHENTICATION}/flows/lab%20first%20login/executions`, { ...unique, requirement: 'REQUIRED' })
  const browser = await executions(rest, 'lab-browser')
  await rest.delete(
    `${AUTHENTICATION}/executions/${browser.find(({ providerId }) => providerId === 'identity-provider-redirector')?.id}`,
  )
  await rest.delete(
    `${AUTHENTICATION}/executions/${browser.find(({ providerId }) => providerId === 'auth-otp-form')?.id}`,
  )
  await rest.post(`${AUTHENTICATION}/flows/lab-browser/executions/execution`, { provider: 'deny-access-authenticator' })
  const flows = await rest.get<{ id: string; alias: string }[]>(`${AUTHENTICATION}/flows`)
  await rest.delete(`${AUTHENTICATION}/flows/${flows.find(({ alias }) => alias === 'lab registration')?.id}`)
  await rest.post(`${AUTHENTICATION}/flows`, {
    alias: 'stray flow',
    description: '',
    providerId: 'basic-flow',
    topLevel: true,
    builtIn: false,
  })
  const own = await executions(rest, 'browser')
  await rest.put(`${AUTHENTICATION}/flows/browser/executions`, {
    ...own.find(({ providerId }) => providerId === 'auth-spnego'),
    requirement: 'ALTERNATIVE',
  })
  const redirector = own.find(({ providerId }) => providerId === 'identity-provider-redirector')
  await rest.post(`${AUTHENTICATION}/executions/${redirector?.id}/config`, {
    alias: 'stray',
    config: { defaultProvider: 'github' },
  })
}

async function spoilFederation(rest: AdminRest): Promise<void> {
  const uni = await rest.get<{ config: Record<string, string> }>(`${PROVIDERS}/oidc-uni`)
  const { issuer: _issuer, ...config } = uni.config
  await edit(rest, `${PROVIDERS}/oidc-uni`, {
    ...{ displayName: 'Changed', trustEmail: false, postBrokerLoginFlowAlias: undefined },
    config: { ...config, defaultScope: 'openid', stray: 'added' },
  })
  await edit(rest, `${PROVIDERS}/github`, { displayName: 'Changed', enabled: false })
  const mappers = await rest.get<{ id: string; name: string; config: object }[]>(`${PROVIDERS}/oidc-uni/mappers`)
  const [faculty, role] = [
    mappers.find(({ name }) => name.startsWith('faculty')),
    mappers.find(({ name }) => name.startsWith('role')),
  ]
  await rest.put(`${PROVIDERS}/oidc-uni/mappers/${faculty?.id}`, {
    ...faculty,
    config: { syncMode: 'FORCE', claim: 'x', 'user.attribute': 'x' },
  })
  await rest.delete(`${PROVIDERS}/oidc-uni/mappers/${role?.id}`)
  await rest.post(`${PROVIDERS}/oidc-uni/mappers`, {
    ...{ name: 'stray', identityProviderAlias: 'oidc-uni', identityProviderMapper: 'oidc-hardcoded-role-idp-mapper' },
    config: { syncMode: 'INHERIT', role: 'realm-a' },
  })
  await rest.delete(`${PROVIDERS}/second`)
  await rest.post(PROVIDERS, {
    ...{ alias: 'stray', providerId: 'oidc', enabled: true },
    config: { clientId: 'c', authorizationUrl: 'https://a.invalid/a', tokenUrl: 'https://a.invalid/t' },
  })
  const all = await components(rest)
  const ldap = all.find(({ name }) => name === 'ldap-uni') as Component
  await rest.put(`${R}/components/${ldap.id}`, {
    ...ldap,
    config: { ...ldap.config, usersDn: ['ou=changed'], vendor: [], customUserSearchFilter: ['(a=b)'] },
  })
  const below = all.filter(({ parentId }) => parentId === ldap.id)
  const email = below.find(({ name }) => name === 'email') as Component
  await rest.put(`${R}/components/${email.id}`, {
    ...email,
    config: { ...email.config, 'ldap.attribute': ['changed'] },
  })
  await rest.delete(`${R}/components/${below.find(({ name }) => name === 'last name')?.id}`)
  await rest.post(`${R}/components`, {
    ...{ name: 'stray', providerId: 'hardcoded-ldap-role-mapper', parentId: ldap.id },
    ...{ providerType: 'org.keycloak.storage.ldap.mappers.LDAPStorageMapper', config: { role: ['realm-a'] } },
  })
  await rest.delete(`${R}/components/${all.find(({ name }) => name === 'ldap-second')?.id}`)
  const rules = all.filter(({ providerType }) => providerType === REGISTRATION)
  await rest.delete(`${R}/components/${rules.find(({ name }) => name === 'Max Clients Limit')?.id}`)
  const hosts = rules.find(({ name }) => name === 'Trusted Hosts') as Component
  await rest.put(`${R}/components/${hosts.id}`, {
    ...hosts,
    config: { ...hosts.config, 'trusted-hosts': ['a.invalid', 'b.invalid'] },
  })
  await rest.post(`${R}/components`, {
    ...{ name: 'stray', providerId: 'max-clients', subType: 'authenticated', providerType: REGISTRATION },
    config: { 'max-clients': ['5'] },
  })
}

async function components(rest: AdminRest): Promise<readonly Component[]> {
  return await rest.get<Component[]>(`${R}/components`)
}

async function executions(rest: AdminRest, flow: string): Promise<readonly Execution[]> {
  return await rest.get<Execution[]>(`${AUTHENTICATION}/flows/${encodeURIComponent(flow)}/executions`)
}

async function clientNamed(rest: AdminRest, clientId: string): Promise<{ readonly id: string }> {
  const [client] = await rest.get<{ id: string }[]>(`${R}/clients?clientId=${clientId}`)
  if (client === undefined) throw new Error(`no client ${clientId}`)
  return client
}

async function policies(
  rest: AdminRest,
  list: 'profiles' | 'policies',
  change: (entries: readonly { name: string }[]) => readonly object[],
): Promise<void> {
  const { [list]: entries } = await rest.get<Record<string, { name: string }[]>>(`${R}/client-policies/${list}`)
  await rest.put(`${R}/client-policies/${list}`, { [list]: change(entries ?? []) })
}

async function edit(rest: AdminRest, path: string, change: object): Promise<void> {
  await rest.put(path, { ...(await rest.get(path)), ...change })
}
