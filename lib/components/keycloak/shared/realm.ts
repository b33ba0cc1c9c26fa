/** The realm's own settings, one resource. What other kinds hold, and what the server makes up, is left out. */
import { cleanObject } from '../clean-json.ts'
import type { SharedKind } from './shared-kind.ts'

const LEFT_OUT: ReadonlySet<string> = new Set([
  // Another realm may have another name and id.
  ...['id', 'realm', 'keycloakVersion'],
  // Derived from what is installed, or from other members; `realmReusableOtpCode` repeats `otpPolicyCodeReusable`.
  ...['otpSupportedApplications', 'realmReusableOtpCode', 'adminPermissionsClient'],
  // Kinds of their own.
  ...[
    'defaultGroups',
    'clientProfiles',
    'clientPolicies',
    'identityProviders',
    'identityProviderMappers',
    'localizationTexts',
    'components',
    'users',
    'federatedUsers',
  ],
  ...[
    'groups',
    'roles',
    'clients',
    'clientScopes',
    'clientScopeMappings',
    'scopeMappings',
    'protocolMappers',
    'authenticationFlows',
    'authenticatorConfig',
    'requiredActions',
  ],
  ...[
    'defaultDefaultClientScopes',
    'defaultOptionalClientScopes',
    'organizations',
    'userFederationProviders',
    'userFederationMappers',
    'defaultRole',
    'defaultRoles',
  ],
])
/** The first algorithm is preferred. */
const ORDERED: ReadonlySet<string> = new Set([
  'webAuthnPolicySignatureAlgorithms',
  'webAuthnPolicyPasswordlessSignatureAlgorithms',
])

export const realmKind: SharedKind = {
  kind: 'realm',
  async read(reader) {
    const realm = await reader.realm()
    const body = cleanObject(realm, { drop: LEFT_OUT, ordered: ORDERED })
    return [
      {
        segments: [],
        body: { ...body, ...(realm.defaultRole?.name === undefined ? {} : { defaultRole: realm.defaultRole.name }) },
      },
    ]
  },
}
