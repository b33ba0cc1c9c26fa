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
/** What was set once and is unset now stays behind as an empty text or list on some versions. */
const UNSET_IF_EMPTY: ReadonlySet<string> = new Set([
  ...['displayName', 'displayNameHtml', 'passwordPolicy', 'defaultLocale', 'supportedLocales'],
  ...['loginTheme', 'accountTheme', 'adminTheme', 'emailTheme'],
])

export const realmKind: SharedKind = {
  kind: 'realm',
  async read(reader) {
    const realm = await reader.realm()
    const body = Object.fromEntries(
      Object.entries(cleanObject(realm, { drop: LEFT_OUT, ordered: ORDERED })).filter(
        ([name, value]) => !UNSET_IF_EMPTY.has(name) || (Array.isArray(value) ? value.length > 0 : value !== ''),
      ),
    )
    return [
      {
        segments: [],
        body: { ...body, ...(realm.defaultRole?.name === undefined ? {} : { defaultRole: realm.defaultRole.name }) },
      },
    ]
  },
}
