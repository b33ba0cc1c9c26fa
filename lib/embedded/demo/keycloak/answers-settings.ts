/** What the stand-in says of the realm's fixed parts: flows, scopes, required actions, profile, texts. Small, but of every shape. */
import { fixedId } from './fixed-id.ts'
import { missing, need } from './asking.ts'
import type { Asking } from './asking.ts'

interface Step {
  readonly provider?: string
  readonly flow?: string
  readonly requirement: string
  readonly level: number
  readonly config?: { readonly alias: string; readonly values: Readonly<Record<string, string>> }
}

const FLOWS: Readonly<Record<string, { readonly builtIn: boolean; readonly steps: readonly Step[] }>> = {
  'first broker login': {
    builtIn: true,
    steps: [
      {
        provider: 'idp-review-profile',
        requirement: 'REQUIRED',
        level: 0,
        config: { alias: 'review profile config', values: { 'update.profile.on.first.login': 'missing' } },
      },
      { flow: 'User creation or linking', requirement: 'REQUIRED', level: 0 },
      { provider: 'idp-create-user-if-unique', requirement: 'ALTERNATIVE', level: 1 },
      { flow: 'Handle existing account', requirement: 'ALTERNATIVE', level: 1 },
      { provider: 'idp-confirm-link', requirement: 'REQUIRED', level: 2 },
    ],
  },
  browser: {
    builtIn: true,
    steps: [
      { provider: 'auth-cookie', requirement: 'ALTERNATIVE', level: 0 },
      { flow: 'forms', requirement: 'ALTERNATIVE', level: 0 },
      { provider: 'auth-username-password-form', requirement: 'REQUIRED', level: 1 },
    ],
  },
  'direct grant': {
    builtIn: true,
    steps: [{ provider: 'direct-grant-validate-username', requirement: 'REQUIRED', level: 0 }],
  },
  'lab browser': {
    builtIn: false,
    steps: [
      {
        provider: 'identity-provider-redirector',
        requirement: 'ALTERNATIVE',
        level: 0,
        config: { alias: 'to github', values: { defaultProvider: 'github' } },
      },
    ],
  },
}

export function listFlows(asking: Asking): readonly object[] {
  need(asking, 'view-realm')
  return Object.entries(FLOWS).map(([alias, { builtIn }]) => ({
    id: fixedId(asking.realm.seed, 'flow', alias),
    alias,
    description: `Flow ${alias}`,
    providerId: 'basic-flow',
    topLevel: true,
    builtIn,
  }))
}

export function executionsOf(asking: Asking, alias: string): readonly object[] {
  need(asking, 'view-realm')
  const flow = FLOWS[alias]
  if (flow === undefined) throw missing('Flow not found')
  const { seed } = asking.realm
  return flow.steps.map(({ provider, flow: below, requirement, level, config }, index) => ({
    ...{
      id: fixedId(seed, 'execution', alias, String(index)),
      requirement,
      displayName: below ?? provider,
      requirementChoices: ['REQUIRED', 'DISABLED'],
      configurable: config !== undefined,
      level,
      index,
    },
    ...(provider === undefined
      ? { authenticationFlow: true, flowId: fixedId(seed, 'flow', below ?? ''), description: '' }
      : { providerId: provider }),
    ...(config === undefined
      ? {}
      : { alias: config.alias, authenticationConfig: fixedId(seed, 'config', config.alias) }),
  }))
}

export function configOf(asking: Asking, id: string): object {
  need(asking, 'view-realm')
  for (const { steps } of Object.values(FLOWS)) {
    for (const { config } of steps)
      if (config !== undefined && fixedId(asking.realm.seed, 'config', config.alias) === id)
        return { id, alias: config.alias, config: config.values }
  }
  throw missing('Could not find authenticator config')
}

/** What somebody can be asked to do. */
export const REQUIRED_ACTIONS: readonly string[] = [
  'UPDATE_PASSWORD',
  'CONFIGURE_TOTP',
  'VERIFY_EMAIL',
  'UPDATE_PROFILE',
]

export function requiredActions(asking: Asking): readonly object[] {
  need(asking, 'view-realm')
  return REQUIRED_ACTIONS.map((alias, index) => ({
    alias,
    name: alias,
    providerId: alias,
    enabled: true,
    defaultAction: false,
    priority: index * 10,
    config: {},
  }))
}

export function userProfile(asking: Asking): object | undefined {
  if (!asking.quirks.userProfile) return undefined
  need(asking, 'view-realm', 'view-users')
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

export const TEXTS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  en: { welcome: 'Welcome, {0}' },
  de: { welcome: 'Grüß Gott, {0}' },
}
