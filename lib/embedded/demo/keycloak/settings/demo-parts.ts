/** What the stand-in's realm holds beside groups, clients, roles and people: each part as it is made, to be written to afterwards. */
import { fixedId } from '../fixed-id.ts'
import { DemoFlows } from './flow-store.ts'

/** What somebody can be asked to do. */
export const REQUIRED_ACTIONS: readonly string[] = [
  'UPDATE_PASSWORD',
  'CONFIGURE_TOTP',
  'VERIFY_EMAIL',
  'UPDATE_PROFILE',
]

export type Members = Record<string, unknown>
export interface DemoProvider {
  /** Without its mappers. */
  body: Members & { readonly alias: string; config: Record<string, string> }
  readonly mappers: Map<string, Members & { readonly id: string; readonly name: string }>
}
export interface DemoComponent {
  readonly id: string
  name: string
  providerId: string
  readonly providerType: string
  readonly parentId: string
  readonly subType?: string
  config: Record<string, string[]>
}
export interface DemoAction extends Members {
  readonly alias: string
  priority: number
}

export class DemoParts {
  readonly flows: DemoFlows
  readonly providers = new Map<string, DemoProvider>()
  readonly components = new Map<string, DemoComponent>()
  readonly actions = new Map<string, DemoAction>()
  readonly texts = new Map<string, Record<string, string>>()
  profile: Members
  clientProfiles: Members[] = [{ name: 'lab-profile', executors: [{ executor: 'secure-session', configuration: {} }] }]
  clientPolicies: Members[] = []

  constructor(seed: string, realmId: string) {
    this.flows = new DemoFlows(seed)
    this.profile = makeProfile()
    this.texts.set('en', { welcome: 'Welcome, {0}' })
    this.texts.set('de', { welcome: 'Grüß Gott, {0}' })
    for (const [index, alias] of REQUIRED_ACTIONS.entries())
      this.actions.set(alias, {
        ...{ alias, name: alias, providerId: alias, enabled: true, defaultAction: false },
        ...{ priority: index * 10, config: {} },
      })
    this.#addProviders(seed)
    for (const component of makeComponents(seed, realmId)) this.components.set(component.id, component)
  }

  #addProviders(seed: string): void {
    const id = fixedId(seed, 'github-mapper')
    const mapper = {
      ...{ id, name: 'company', identityProviderAlias: 'github' },
      identityProviderMapper: 'github-user-attribute-mapper',
      config: { syncMode: 'INHERIT', jsonField: 'company', userAttribute: 'company' },
    }
    this.providers.set('github', {
      body: {
        ...{ alias: 'github', internalId: fixedId(seed, 'github'), providerId: 'github', enabled: true },
        ...{ trustEmail: true, firstBrokerLoginFlowAlias: 'first broker login' },
        config: { clientId: 'nebari-github', clientSecret: PROVIDER_SECRET, syncMode: 'IMPORT' },
      },
      mappers: new Map([[id, mapper]]),
    })
  }
}

function makeProfile(): Members {
  const permissions = { view: ['admin', 'user'], edit: ['admin', 'user'] }
  return {
    attributes: ['username', 'email', 'firstName', 'lastName'].map((name) => ({
      name,
      displayName: `\${${name}}`,
      validations: { length: { max: 255 } },
      permissions,
      multivalued: false,
    })),
    groups: [{ name: 'user-metadata', displayHeader: 'User metadata' }],
    unmanagedAttributePolicy: 'ENABLED',
  }
}

const PROVIDER_SECRET = 'demo-github-secret'
const LDAP_PASSWORD = 'demo-ldap-password'
/** What Keycloak shows to nobody. */
export const HIDDEN_SECRETS: readonly string[] = [PROVIDER_SECRET, LDAP_PASSWORD]

export const FEDERATION = 'org.keycloak.storage.UserStorageProvider'
export const LDAP_MAPPER = 'org.keycloak.storage.ldap.mappers.LDAPStorageMapper'
const KEYS = 'org.keycloak.keys.KeyProvider'

/** A federation that is switched off, with two mappers, and two keys of one name. */
function makeComponents(seed: string, realmId: string): readonly DemoComponent[] {
  const make = (
    name: string,
    providerId: string,
    providerType: string,
    config: Record<string, string[]>,
    parentId = realmId,
  ): DemoComponent => {
    // As it was shown before there was anything to hide.
    const shown = 'bindCredential' in config ? { ...config, bindCredential: ['**********'] } : config
    const id = fixedId(seed, 'component', name, JSON.stringify(shown))
    return { id, name, providerId, providerType, parentId, config }
  }
  const ldap = make('campus', 'ldap', FEDERATION, {
    enabled: ['false'],
    bindDn: ['cn=reader'],
    bindCredential: [LDAP_PASSWORD],
    connectionUrl: ['ldap://ldap.example.invalid'],
    lastSync: ['1700000000'],
  })
  const mapper = (name: string): DemoComponent =>
    make(name, 'user-attribute-ldap-mapper', LDAP_MAPPER, { 'ldap.attribute': [name] }, ldap.id)
  return [
    ...[mapper('mail'), ldap, mapper('cn')],
    make('twice', 'hmac-generated', KEYS, { algorithm: ['HS384'] }),
    make('twice', 'hmac-generated', KEYS, { algorithm: ['HS256'] }),
    make('rsa', 'rsa-generated', KEYS, { priority: ['100'] }),
  ]
}
