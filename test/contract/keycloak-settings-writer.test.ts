/** The contract of the writing half over the stand-in: settings of the realm, flows, providers, federations and policies for clients, in the versions that differ there. */
import { keycloakComponent } from '../../lib/components/keycloak/component.ts'
import { keycloakWriter } from '../../lib/components/keycloak/write/writer.ts'
import { startDemoKeycloak } from '../../lib/embedded/demo/keycloak/server.ts'
import type { DemoKeycloak } from '../../lib/embedded/demo/keycloak/server.ts'
import type { DemoComponent } from '../../lib/embedded/demo/keycloak/settings/demo-parts.ts'
import type { DemoVersion } from '../../lib/embedded/demo/keycloak/version.ts'
import { systemClock } from '../../lib/platform/clock.ts'
import { decodeKey } from '../../lib/resources/key.ts'
import { SHARED } from '../../lib/resources/slice.ts'
import { cutWrites } from '../kit/cut-writes.ts'
import { describeWriter } from './component-writer.ts'
import type { WriterFixture } from './component-writer.ts'
import { testSettings } from './keycloak.ts'

const SEED = 'settings'
const FEDERATION = 'org.keycloak.storage.UserStorageProvider'
const LDAP_MAPPER = 'org.keycloak.storage.ldap.mappers.LDAPStorageMapper'
const RULES = 'org.keycloak.services.clientregistration.policy.ClientRegistrationPolicy'

async function openSettings(version: DemoVersion): Promise<WriterFixture> {
  const cut = cutWrites()
  const demo = await startDemoKeycloak({ users: 2, version, seed: SEED, intercept: cut.intercept })
  // What is kept of the realm ends when somebody else has been at it.
  let skewMs = 0
  const clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + skewMs }
  const login = { clientId: 'toriki-restore', secret: demo.secretOf('toriki-restore') }
  const settings = testSettings(demo, login, { restore: { client: login.clientId, secret: login.secret } })
  let turn = 0
  return {
    writer: keycloakWriter(settings, { clock }),
    component: keycloakComponent(settings, { clock }),
    slice: SHARED,
    async fill() {
      demo.reset()
      fill(demo)
      skewMs += 120_000
    },
    async spoil() {
      spoil(demo)
      skewMs += 120_000
    },
    async interfere(key) {
      const { kind, segments } = decodeKey(key)
      interfere(demo, kind, segments.map(String), ++turn)
    },
    outside: async () => JSON.stringify((JSON.parse(demo.imageWithout([])) as unknown[]).slice(1)),
    writes: () => demo.writes,
    cutAt: cut.at,
    // Keycloak registers a required action with settings of its own.
    settles: ['enabled', 'defaultAction', 'priority', 'config', 'name'],
    close: () => demo.stop(),
  }
}

/** Of every kind one that is changed, and one that is removed. */
function fill({ parts }: DemoKeycloak): void {
  const { flows } = parts
  flows.add(SEED, 'lab step-up', true, false, [
    { provider: 'auth-cookie', requirement: 'ALTERNATIVE' },
    {
      ...{ flow: 'lab step-up forms', requirement: 'REQUIRED' },
      steps: [
        { provider: 'auth-username-password-form', requirement: 'REQUIRED' },
        {
          ...{ provider: 'auth-otp-form', requirement: 'REQUIRED' },
          config: { alias: 'lab otp', values: { strength: '2' } },
        },
      ],
    },
  ])
  flows.add(SEED, 'lab gone', true, false, [
    {
      ...{ flow: 'lab gone forms', requirement: 'ALTERNATIVE' },
      steps: [{ provider: 'auth-spnego', requirement: 'DISABLED' }],
    },
    {
      ...{ provider: 'identity-provider-redirector', requirement: 'REQUIRED' },
      config: { alias: 'gone to', values: { to: 'x' } },
    },
  ])
  addProvider(parts, 'uni', { displayName: 'Universität', postBrokerLoginFlowAlias: 'lab step-up' }, [
    'faculty',
    'office',
  ])
  addProvider(parts, 'second', {}, ['faculty'])
  addFederation(parts, 'second-ldap', ['mail', 'cn', 'office'])
  addRule(parts, 'Trusted Hosts', { 'trusted-hosts': ['lab.example.org', 'a.example'] })
  addRule(parts, 'Max Clients', { 'max-clients': ['7'] })
  parts.clientProfiles = [...parts.clientProfiles, { name: 'second-profile', description: 'Zweites', executors: [] }]
  parts.clientPolicies = [
    { name: 'lab-policy', enabled: false, conditions: [], profiles: ['lab-profile'] },
    { name: 'second-policy', enabled: true, conditions: [], profiles: ['second-profile'] },
  ]
}

function spoil(demo: DemoKeycloak): void {
  const { parts } = demo
  const { flows } = parts
  demo.changeRealm({
    ...{ ssoSessionIdleTimeout: 60, loginTheme: 'other', passwordPolicy: 'length(3)' },
    attributes: { frontendUrl: 'https://elsewhere.example', realmReusableOtpCode: 'false', stray: 'added' },
    smtpServer: { host: 'elsewhere.example', auth: 'true', user: 'nebari', password: 'demo-smtp-password' },
  })
  // Other steps, where it is in use; the same steps; gone; added; one of Keycloak's own.
  const forms = flows.named('lab step-up forms')
  for (const { config = '' } of forms?.steps.splice(1) ?? []) flows.configs.delete(config)
  Object.assign(flows.named('lab browser')?.steps[0] ?? {}, { requirement: 'DISABLED' })
  const gone = flows.named('lab gone')
  for (const { flow = '', config = '' } of gone?.steps ?? []) {
    flows.flows.delete(flow)
    flows.configs.delete(config)
  }
  flows.flows.delete(gone?.id ?? '')
  flows.add(SEED, 'stray flow', true, false, [{ provider: 'auth-cookie', requirement: 'REQUIRED' }])
  Object.assign(flows.named('browser')?.steps[0] ?? {}, { requirement: 'DISABLED' })
  parts.texts.set('de', { welcome: 'Servus', stray: 'Anderes' })
  parts.texts.delete('en')
  parts.texts.set('fr', { welcome: 'Bonjour' })
  parts.actions.delete('UPDATE_PROFILE')
  Object.assign(parts.actions.get('VERIFY_EMAIL') ?? {}, { enabled: false, name: 'Other', priority: 77 })
  const { attributes } = parts.profile as { attributes: readonly object[] }
  parts.profile = { ...parts.profile, attributes: [...attributes, { name: 'stray' }] }
  parts.clientProfiles = [
    { name: 'lab-profile', executors: [] },
    { name: 'stray-profile', executors: [] },
  ]
  parts.clientPolicies = [{ name: 'lab-policy', enabled: true, description: 'On', conditions: [], profiles: [] }]
  const uni = parts.providers.get('uni')
  Object.assign(uni?.body ?? {}, { displayName: 'Changed', trustEmail: false })
  for (const [id, mapper] of uni?.mappers ?? []) {
    if (mapper.name === 'office') uni?.mappers.delete(id)
    else mapper['config'] = { claim: 'changed' }
  }
  parts.providers.delete('second')
  addProvider(parts, 'stray', {}, [])
  const named = (name: string): DemoComponent | undefined =>
    [...parts.components.values()].find((one) => one.name === name)
  const campus = named('campus')
  Object.assign(campus ?? {}, {
    config: { ...campus?.config, connectionUrl: ['ldap://changed.invalid'], stray: ['x'] },
  })
  for (const one of parts.components.values())
    if (one.parentId === campus?.id && one.name === 'mail') one.config = { 'ldap.attribute': ['changed'] }
  for (const one of parts.components.values())
    if (one.parentId === campus?.id && one.name === 'cn') parts.components.delete(one.id)
  const second = named('second-ldap')
  for (const one of parts.components.values())
    if (one.parentId === second?.id || one === second) parts.components.delete(one.id)
  const hosts = named('Trusted Hosts')
  if (hosts !== undefined) hosts.config = { 'trusted-hosts': ['changed.example'] }
  parts.components.delete(named('Max Clients')?.id ?? '')
  addRule(parts, 'Stray', { 'max-clients': ['9'] })
}

/** Somebody else. */
function interfere(demo: DemoKeycloak, kind: string, segments: readonly string[], turn: number): void {
  const { parts } = demo
  const [name = ''] = segments
  const text = `Somebody ${turn}`
  const entry = (list: readonly Record<string, unknown>[]): object => list.find((one) => one['name'] === name) ?? {}
  if (kind === 'realm') demo.changeRealm({ displayNameHtml: text })
  if (kind === 'localization') parts.texts.set(name, { ...parts.texts.get(name), welcome: text })
  if (kind === 'required-action') Object.assign(parts.actions.get(name) ?? {}, { name: text })
  if (kind === 'flow') Object.assign(parts.flows.named(name) ?? {}, { description: text })
  if (kind === 'client-profile') Object.assign(entry(parts.clientProfiles), { description: text })
  if (kind === 'client-policy') Object.assign(entry(parts.clientPolicies), { description: text })
  if (kind === 'identity-provider') Object.assign(parts.providers.get(name)?.body ?? {}, { displayName: text })
  if (kind === 'user-profile') {
    const { attributes } = parts.profile as { attributes: readonly object[] }
    parts.profile = { ...parts.profile, attributes: [...attributes, { name: text }] }
  }
  if (kind === 'component') {
    const found = [...parts.components.values()].find((one) => one.name === segments[2])
    if (found !== undefined) found.config = { ...found.config, somebody: [text] }
  }
}

type Parts = DemoKeycloak['parts']

function addProvider({ providers }: Parts, alias: string, more: object, mappers: readonly string[]): void {
  providers.set(alias, {
    body: {
      ...{ alias, internalId: `${alias}-internal`, providerId: 'oidc', enabled: true, trustEmail: true },
      ...{ firstBrokerLoginFlowAlias: 'first broker login', ...more },
      config: { clientId: 'nebari', clientSecret: `demo-${alias}-secret` },
    },
    mappers: new Map(
      mappers.map((name) => [
        `${alias}-${name}`,
        {
          ...{ id: `${alias}-${name}`, name, identityProviderAlias: alias },
          ...{ identityProviderMapper: 'oidc-user-attribute-idp-mapper', config: { claim: name } },
        },
      ]),
    ),
  })
}

function addFederation({ components }: Parts, name: string, mappers: readonly string[]): void {
  const add = (
    id: string,
    own: string,
    providerId: string,
    providerType: string,
    parentId: string,
    config: DemoComponent['config'],
  ): void => void components.set(id, { id, name: own, providerId, providerType, parentId, config })
  const realm = [...components.values()].find((one) => one.providerType === FEDERATION)?.parentId ?? ''
  add(name, name, 'ldap', FEDERATION, realm, { enabled: ['true'], bindDn: ['cn=b'], bindCredential: ['demo-second'] })
  for (const one of mappers)
    add(`${name}-${one}`, one, 'user-attribute-ldap-mapper', LDAP_MAPPER, name, { 'ldap.attribute': [one] })
}

function addRule({ components }: Parts, name: string, config: DemoComponent['config']): void {
  const parentId = [...components.values()].find((one) => one.providerType === FEDERATION)?.parentId ?? ''
  const id = `rule-${name}`
  components.set(id, { id, name, providerId: name, providerType: RULES, parentId, subType: 'anonymous', config })
}

describeWriter('settings on the stand-in, 26.7.4', () => openSettings('26.7.4'), { cutOffs: 3 })
// Steps without places, masks nowhere, headers among the attributes.
describeWriter('settings on the stand-in, 24.0.5', () => openSettings('24.0.5'), { cutOffs: 2 })
