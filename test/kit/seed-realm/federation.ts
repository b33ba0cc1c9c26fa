import { numbered, REALM, type Building } from './building.ts'
import { LDAP_SECRET, UNI_SECRET } from './secrets.ts'

/** Identity providers the admin added, beside the installer's `github`. */
export function adminIdentityProviders(building: Pick<Building, 'large'>): string[] {
  return ['oidc-uni', ...(building.large ? numbered('large-idp', 101) : [])]
}

/** Names of the mappers of `oidc-uni`. */
export const UNI_MAPPERS = ['faculty from claim', 'role for everybody'] as const

/** Identity providers with mappers, a disabled LDAP, an extra signing key, and two components of one name. */
export async function buildFederation(building: Building): Promise<void> {
  for (const alias of adminIdentityProviders(building)) await buildProvider(building, alias)
  const mapper = (name: string, identityProviderMapper: string, config: object): Promise<string> =>
    building.rest.post(`/${REALM}/identity-provider/instances/oidc-uni/mappers`, {
      name,
      identityProviderAlias: 'oidc-uni',
      identityProviderMapper,
      config: { syncMode: 'INHERIT', ...config },
    })
  await mapper(UNI_MAPPERS[0], 'oidc-user-attribute-idp-mapper', { claim: 'faculty', 'user.attribute': 'faculty' })
  await mapper(UNI_MAPPERS[1], 'oidc-hardcoded-role-idp-mapper', { role: 'realm-b' })
  await buildComponents(building)
}

async function buildProvider({ rest }: Building, alias: string): Promise<void> {
  const host = `https://${alias}.uni.example`
  await rest.post(`/${REALM}/identity-provider/instances`, {
    alias,
    displayName: alias === 'oidc-uni' ? 'Universität' : alias,
    providerId: 'oidc',
    enabled: true,
    trustEmail: true,
    firstBrokerLoginFlowAlias: 'first broker login',
    config: {
      clientId: 'nebari',
      clientSecret: alias === 'oidc-uni' ? UNI_SECRET : `${alias}-secret`,
      authorizationUrl: `${host}/authorize`,
      tokenUrl: `${host}/token`,
      issuer: host,
      defaultScope: 'openid profile email',
      syncMode: 'FORCE',
    },
  })
}

async function buildComponents({ rest }: Building): Promise<void> {
  const { id: parentId } = await rest.get<{ id: string }>(`/${REALM}`)
  const component = (body: object): Promise<string> => rest.post(`/${REALM}/components`, { parentId, ...body })
  await component({
    name: 'ldap-uni',
    providerId: 'ldap',
    providerType: 'org.keycloak.storage.UserStorageProvider',
    config: {
      // Disabled, and a name that never resolves: nothing is contacted.
      enabled: ['false'],
      priority: ['0'],
      connectionUrl: ['ldap://ldap.uni.example.invalid:389'],
      bindDn: ['cn=reader,dc=uni,dc=example'],
      bindCredential: [LDAP_SECRET],
      usersDn: ['ou=people,dc=uni,dc=example'],
      authType: ['simple'],
      vendor: ['other'],
      editMode: ['READ_ONLY'],
      importEnabled: ['true'],
      usernameLDAPAttribute: ['uid'],
      rdnLDAPAttribute: ['uid'],
      uuidLDAPAttribute: ['entryUUID'],
      userObjectClasses: ['inetOrgPerson, organizationalPerson'],
      searchScope: ['1'],
    },
  })
  const providerType = 'org.keycloak.keys.KeyProvider'
  const key = { active: ['true'], enabled: ['true'], priority: ['-10'] }
  await component({
    name: 'extra-rsa',
    providerId: 'rsa-generated',
    providerType,
    config: { ...key, keySize: ['2048'] },
  })
  for (const algorithm of ['HS256', 'HS384']) {
    const config = { ...key, secretSize: ['64'], algorithm: [algorithm] }
    await component({ name: 'twice', providerId: 'hmac-generated', providerType, config })
  }
}
