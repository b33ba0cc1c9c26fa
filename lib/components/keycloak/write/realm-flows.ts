/** The flows that a realm binds, by alias. */
export const REALM_FLOWS = [
  ...['browserFlow', 'registrationFlow', 'directGrantFlow', 'resetCredentialsFlow'],
  ...['clientAuthenticationFlow', 'dockerAuthenticationFlow', 'firstBrokerLoginFlow'],
] as const
