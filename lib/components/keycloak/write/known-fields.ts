/**
 * Which members a target takes that its own answers need not show (what is unset is left out). A newer one is known by a member of the realm that came with it: only
 * administrators are told the version. What is neither here nor in a live answer is lost, and the plan says so: one unknown member makes the server refuse the whole.
 */
import type { RealmAnswer } from '../answers.ts'

/** Member → member of the realm that came no earlier; `''`: 24 and older have it. */
const KNOWN: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  realm: {
    ...{ displayName: '', displayNameHtml: '', passwordPolicy: '', defaultLocale: '', supportedLocales: '' },
    ...{ loginTheme: '', accountTheme: '', adminTheme: '', emailTheme: '', eventsExpiration: '' },
    webAuthnPolicyPasswordlessPasskeysEnabled: 'bruteForceStrategy',
    webAuthnPolicyPasswordlessMediation: 'scimApiEnabled',
  },
  'identity-provider': {
    ...{ displayName: '', providerId: '', enabled: '', trustEmail: '', storeToken: '', addReadTokenRoleOnCreate: '' },
    ...{
      authenticateByDefault: '',
      linkOnly: '',
      firstBrokerLoginFlowAlias: '',
      postBrokerLoginFlowAlias: '',
      config: '',
    },
    hideOnLogin: 'bruteForceStrategy',
  },
  'user-profile': { attributes: '', groups: '', unmanagedAttributePolicy: '' },
  'user-profile attribute': {
    ...{ displayName: '', group: '', validations: '', annotations: '', required: '', permissions: '', selector: '' },
    multivalued: '',
    defaultValue: 'scimApiEnabled',
  },
  'user-profile group': { displayHeader: '', displayDescription: '', annotations: '' },
  'client-profile': { description: '', executors: '' },
  'client-policy': { description: '', enabled: '', conditions: '', profiles: '', mode: 'scimApiEnabled' },
  'required-action': { name: '', providerId: '', enabled: '', defaultAction: '', priority: '', config: '' },
}

export function isKnownField(kind: string, name: string, realm: RealmAnswer): boolean {
  const came = KNOWN[kind]?.[name]
  return came !== undefined && (came === '' || Object.hasOwn(realm, came))
}

export const UNKNOWN_FIELD = 'This version of Keycloak does not have it.'
