/** The stand-in's realm settings, texts, required actions, user profile and policies for clients: answered and written, with the sharp edges of the real one. */
import { missing, need } from '../asking.ts'
import type { Asking } from '../asking.ts'
import { bad, bodyOf, broken, conflict } from '../writing.ts'
import type { Writing, Written } from '../writing.ts'
import { REQUIRED_ACTIONS } from './demo-parts.ts'
import type { DemoAction, Members } from './demo-parts.ts'

const FLOW_BINDINGS: ReadonlySet<string> = new Set([
  ...['browserFlow', 'registrationFlow', 'directGrantFlow', 'resetCredentialsFlow', 'clientAuthenticationFlow'],
  ...['dockerAuthenticationFlow', 'firstBrokerLoginFlow'],
])
/** Settings that an attribute repeats once they were sent. */
const REPEATED: Readonly<Record<string, string>> = {
  clientSessionIdleTimeout: 'clientSessionIdleTimeout',
  otpPolicyCodeReusable: 'realmReusableOtpCode',
}
const LISTS: ReadonlySet<string> = new Set(['supportedLocales'])
const NEVER_SET: Readonly<Record<string, unknown>> = {
  ...{ displayName: '', displayNameHtml: '', loginTheme: '', accountTheme: '', adminTheme: '', emailTheme: '' },
  ...{ passwordPolicy: '', defaultLocale: '', supportedLocales: [], eventsExpiration: 0 },
}

/**
 * Members that are not named stay. Attributes are exchanged as a whole, headers member by member, and 24 keeps the headers among the attributes: those it is not sent
 * beside attributes are gone.
 */
export function updateRealm(writing: Writing): Written {
  need(writing, 'manage-realm')
  const { realm, quirks } = writing
  const { settings, parts } = realm
  const known = new Set([
    ...Object.keys(settings),
    ...Object.keys(NEVER_SET),
    ...FLOW_BINDINGS,
    ...Object.keys(REPEATED),
  ])
  const body = bodyOf(writing, known)
  for (const [name, value] of Object.entries(body))
    if (FLOW_BINDINGS.has(name) && parts.flows.named(String(value)) === undefined) throw broken()
  const { attributes, browserSecurityHeaders: headers, smtpServer, ...others } = body
  if (attributes !== undefined) {
    settings['attributes'] = { ...(attributes as object) }
    if (!quirks.headersApart) settings['browserSecurityHeaders'] = {}
  }
  if (headers !== undefined)
    settings['browserSecurityHeaders'] = { ...(settings['browserSecurityHeaders'] as object), ...(headers as object) }
  if (smtpServer !== undefined)
    settings['smtpServer'] = unmasked(smtpServer as Members, settings['smtpServer'] as Members)
  for (const [name, value] of Object.entries(others)) {
    if (value === null) continue
    // A list and a policy can be unset; a text that was set once is empty from then on.
    const isUnset =
      (LISTS.has(name) && (value as readonly unknown[]).length === 0) || (name === 'passwordPolicy' && value === '')
    if (isUnset || (name === 'eventsExpiration' && value === 0)) delete settings[name]
    else settings[name] = value
    const attribute = REPEATED[name]
    if (attribute !== undefined)
      settings['attributes'] = { ...(settings['attributes'] as object), [attribute]: JSON.stringify(value) }
  }
}

function unmasked(wanted: Members, held: Members): Members {
  return Object.fromEntries(
    Object.entries(wanted).map(([name, value]) => [name, value === '**********' ? (held[name] ?? value) : value]),
  )
}

export function listLocales(asking: Asking): readonly string[] {
  need(asking, 'view-realm')
  return [...asking.realm.parts.texts.keys()]
}

export function textsOf(asking: Asking, locale: string): object {
  need(asking, 'view-realm')
  return asking.realm.parts.texts.get(locale) ?? {}
}

export function putTexts(writing: Writing, locale: string): Written {
  need(writing, 'manage-realm')
  const { texts } = writing.realm.parts
  texts.set(locale, { ...texts.get(locale), ...(writing.body as Record<string, string>) })
}

export function deleteTexts(writing: Writing, locale: string): Written {
  need(writing, 'manage-realm')
  if (!writing.realm.parts.texts.delete(locale)) throw missing(`No localization texts for locale ${locale} found.`)
}

/** The locale stays, without texts. */
export function deleteText(writing: Writing, locale: string, name: string): Written {
  need(writing, 'manage-realm')
  const texts = writing.realm.parts.texts.get(locale)
  if (texts?.[name] === undefined) throw missing('Localization text not found')
  delete texts[name]
}

export function listActions(asking: Asking): readonly object[] {
  need(asking, 'view-realm')
  return [...asking.realm.parts.actions.values()].sort((a, b) => a.priority - b.priority)
}

export function unregisteredActions(asking: Asking): readonly object[] {
  need(asking, 'view-realm')
  return REQUIRED_ACTIONS.filter((name) => !asking.realm.parts.actions.has(name)).map((name) => ({
    providerId: name,
    name,
  }))
}

/** Always switched on, never by default, and last. */
export function registerAction(writing: Writing): Written {
  need(writing, 'manage-realm')
  const { providerId, name } = writing.body as { providerId: string; name: string }
  const { actions } = writing.realm.parts
  if (actions.has(providerId)) throw conflict('A Required Action Provider with given alias already exists.')
  const priority = Math.max(0, ...[...actions.values()].map((action) => action.priority)) + 1
  actions.set(providerId, {
    ...{ alias: providerId, name, providerId, enabled: true, defaultAction: false, priority },
    config: {},
  })
}

const ACTION_MEMBERS: ReadonlySet<string> = new Set([
  ...['alias', 'name', 'providerId', 'enabled', 'defaultAction', 'priority', 'config'],
])

export function updateAction(writing: Writing, alias: string): Written {
  need(writing, 'manage-realm')
  const { actions } = writing.realm.parts
  if (!actions.has(alias)) throw missing('Failed to find required action')
  actions.set(alias, { ...bodyOf(writing, ACTION_MEMBERS) } as DemoAction)
}

export function deleteAction(writing: Writing, alias: string): Written {
  need(writing, 'manage-realm')
  if (!writing.realm.parts.actions.delete(alias)) throw missing('Failed to find required action.')
}

export function userProfile(asking: Asking): object | undefined {
  if (!asking.quirks.userProfile) return undefined
  need(asking, 'view-realm', 'view-users')
  return asking.realm.parts.profile
}

/** Off is said by leaving the policy out; the word for it is not known. */
export function updateProfile(writing: Writing): Written {
  if (!writing.quirks.userProfile) throw missing('Unable to find matching target resource method')
  need(writing, 'manage-realm')
  const body = bodyOf(writing, new Set(['attributes', 'groups', 'unmanagedAttributePolicy']))
  const attributes = body['attributes'] as readonly { name: string; group?: string }[]
  const groups = (body['groups'] ?? []) as readonly { name: string }[]
  if (body['unmanagedAttributePolicy'] === 'DISABLED') throw bad('Cannot parse the JSON')
  if (!attributes.some(({ name }) => name === 'username')) throw bad("[The attribute 'username' can not be removed]")
  if (attributes.some(({ group }) => group !== undefined && !groups.some(({ name }) => name === group)))
    throw bad('[An attribute references an unknown group]')
  writing.realm.parts.profile = { ...body }
  return { answer: body }
}

export function clientProfiles(asking: Asking): object {
  need(asking, 'view-realm')
  const isAsked = asking.query.get('include-global-profiles') === 'true'
  return {
    profiles: asking.realm.parts.clientProfiles,
    ...(isAsked ? { globalProfiles: [{ name: 'fapi-1-baseline' }] } : {}),
  }
}

export function clientPolicies(asking: Asking): object {
  need(asking, 'view-realm')
  return { policies: asking.realm.parts.clientPolicies }
}

/** The list whole. What a policy names may go without a word. */
export function putClientProfiles(writing: Writing): Written {
  need(writing, 'manage-realm')
  const { profiles } = bodyOf(writing, new Set(['profiles', 'globalProfiles'])) as { profiles: readonly Members[] }
  for (const body of profiles) bodyOf({ body }, new Set(['name', 'description', 'executors']))
  writing.realm.parts.clientProfiles = [...profiles]
}

export function putClientPolicies(writing: Writing): Written {
  need(writing, 'manage-realm')
  const { policies } = bodyOf(writing, new Set(['policies', 'globalPolicies'])) as { policies: readonly Members[] }
  const known = new Set(['name', 'description', 'enabled', 'conditions', 'profiles'])
  const names = new Set(['fapi-1-baseline', ...writing.realm.parts.clientProfiles.map(({ name }) => name)])
  for (const body of policies) {
    bodyOf({ body }, known)
    if (((body['profiles'] ?? []) as readonly string[]).some((name) => !names.has(name)))
      throw bad('Policy contains an invalid profile')
  }
  writing.realm.parts.clientPolicies = [...policies]
}
