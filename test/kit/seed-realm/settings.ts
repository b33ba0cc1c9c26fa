import { has26, REALM, type Building } from './building.ts'
import { SMTP_SECRET } from './secrets.ts'

/** Realm fields the admin set, each off its default. Brute force is on, but quick wrong logins of a test do not lock anybody out. */
export const REALM_SETTINGS = {
  displayName: 'Nebari der Universität',
  displayNameHtml: '<b>Nebari</b> der Universität',
  ssoSessionIdleTimeout: 7200,
  ssoSessionMaxLifespan: 50_400,
  accessTokenLifespan: 420,
  offlineSessionIdleTimeout: 1_296_000,
  resetPasswordAllowed: true,
  rememberMe: true,
  passwordPolicy: 'length(6)',
  bruteForceProtected: true,
  failureFactor: 25,
  quickLoginCheckMilliSeconds: 5,
  otpPolicyAlgorithm: 'HmacSHA256',
  otpPolicyDigits: 8,
  otpPolicyPeriod: 60,
  otpPolicyLookAheadWindow: 2,
  internationalizationEnabled: true,
  supportedLocales: ['en', 'de'],
  defaultLocale: 'en',
  eventsExpiration: 864_000,
} as const

/** Realm attributes of the admin's own: `PUT` with other `attributes` would lose them. */
export const REALM_ATTRIBUTES = { custom_realm_attr: 'kept by hand', other: 'ein Wert mit Umlaut: ä' } as const

/** Texts per locale. */
export const LOCALIZATION = { en: { greeting: 'Welcome, {0}' }, de: { greeting: 'Grüß Gott, {0}' } } as const

/** The user profile's attribute that the admin declared, with its group. */
export const DECLARED_ATTRIBUTE = 'faculty'

/** Settings of the realm: fields, SMTP, headers, texts, user profile, flows, required actions and client policies. */
export async function buildSettings(building: Building): Promise<void> {
  await buildFields(building)
  await buildProfile(building)
  for (const [locale, texts] of Object.entries(LOCALIZATION)) {
    for (const [key, text] of Object.entries(texts)) {
      await building.rest.putText(`/${REALM}/localization/${locale}/${key}`, text)
    }
  }
  await buildFlow(building)
  await buildClientPolicies(building)
  const action = `/${REALM}/authentication/required-actions/TERMS_AND_CONDITIONS`
  await building.rest.put(action, { ...(await building.rest.get(action)), enabled: true })
}

async function buildFields({ rest }: Building): Promise<void> {
  interface Realm {
    attributes?: Record<string, string>
    browserSecurityHeaders?: Record<string, string>
  }
  const realm = await rest.get<Realm>(`/${REALM}`)
  await rest.put(`/${REALM}`, {
    ...realm,
    ...REALM_SETTINGS,
    attributes: { ...realm.attributes, ...REALM_ATTRIBUTES },
    browserSecurityHeaders: {
      ...realm.browserSecurityHeaders,
      contentSecurityPolicy: "frame-src 'self'; frame-ancestors 'self' https://portal.uni.example; object-src 'none';",
    },
    smtpServer: {
      host: 'smtp.uni.example.invalid',
      port: '587',
      from: 'nebari@uni.example',
      fromDisplayName: 'Nebari',
      auth: 'true',
      starttls: 'true',
      user: 'smtp-user',
      password: SMTP_SECRET,
    },
  })
}

async function buildProfile({ rest }: Building): Promise<void> {
  interface Profile {
    attributes: unknown[]
    groups?: unknown[]
  }
  const profile = await rest.get<Profile>(`/${REALM}/users/profile`)
  const attribute = {
    name: DECLARED_ATTRIBUTE,
    displayName: 'Fakultät',
    group: 'study',
    validations: { length: { max: 64 } },
    permissions: { view: ['admin', 'user'], edit: ['admin'] },
  }
  const group = { name: 'study', displayHeader: 'Studium', displayDescription: 'Where the person studies' }
  const groups = [...(profile.groups ?? []), group]
  await rest.put(`/${REALM}/users/profile`, { ...profile, attributes: [...profile.attributes, attribute], groups })
}

/** A copy of the browser flow with a configured step: references by id that differ on every server. */
async function buildFlow({ rest }: Building): Promise<void> {
  const flows = `/${REALM}/authentication/flows`
  await rest.post(`${flows}/browser/copy`, { newName: 'lab-browser' })
  interface Execution {
    readonly id: string
    readonly providerId?: string
  }
  const executions = await rest.get<Execution[]>(`${flows}/lab-browser/executions`)
  const redirector = executions.find(({ providerId }) => providerId === 'identity-provider-redirector')
  if (redirector === undefined) throw new Error('The browser flow has no identity-provider-redirector.')
  await rest.post(`/${REALM}/authentication/executions/${redirector.id}/config`, {
    alias: 'to-the-university',
    config: { defaultProvider: 'oidc-uni' },
  })
}

async function buildClientPolicies(building: Building): Promise<void> {
  const { rest } = building
  const executors = [{ executor: 'secure-session', configuration: {} }]
  const profile = { name: 'lab-profile', description: 'Profile made by hand', executors }
  await rest.put(`/${REALM}/client-policies/profiles`, { profiles: [profile] })
  const conditions = has26(building) ? [{ condition: 'any-client', configuration: {} }] : []
  const policy = { name: 'lab-policy', description: 'Off', enabled: false, conditions, profiles: ['lab-profile'] }
  await rest.put(`/${REALM}/client-policies/policies`, { policies: [policy] })
}
