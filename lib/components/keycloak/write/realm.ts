/**
 * The realm's own settings. It is there always, and never removed. Only what differs is sent: Keycloak leaves what is not named as it is, and some of what it is sent
 * it repeats among the attributes. Attributes are sent whole, and then the headers beside them, which older versions keep among them. Flows are made before it.
 */
import * as z from 'zod'
import type { Change, Wanted } from '../../../resources/change.ts'
import type { JsonObject, JsonValue } from '../../../resources/json.ts'
import type { RealmAnswer } from '../answers.ts'
import { realmSchema } from '../answers.ts'
import { MASK } from '../secret-fields.ts'
import { isSame } from './between.ts'
import { missingFlows as missingOf } from './flow-references.ts'
import { isKnownField, UNKNOWN_FIELD } from './known-fields.ts'
import { forecastOf, keepInstallersPart, membersOf, openSecrets, pick, standing, withSecrets } from './member-change.ts'
import type { Outcome } from './member-change.ts'
import { REALM_FLOWS } from './realm-flows.ts'
import { notTaken, sendWell } from './send.ts'
import { cannot } from './work.ts'
import type { KindWriter, Lost, Work } from './work.ts'

const FLOWS: ReadonlySet<string> = new Set(REALM_FLOWS)
/** Keycloak makes them anew when they are missing. */
const LASTING_ATTRIBUTES: ReadonlySet<string> = new Set([
  ...['cibaBackchannelTokenDeliveryMode', 'cibaExpiresIn', 'cibaAuthRequestedUserHint', 'cibaInterval'],
  ...['oauth2DeviceCodeLifespan', 'oauth2DevicePollingInterval', 'parRequestUriLifespan'],
])
/** What a request cannot change, or must not. */
const FIXED: Readonly<Record<string, string>> = {
  notBefore: 'A restore neither revokes tokens nor makes revoked ones good again.',
  defaultRole: 'The default role of a realm cannot be exchanged.',
  requiredCredentials: 'Keycloak does not take it any more.',
}
/** From 26.7 on, where `since` came, this reads as `required` where it is not specified. */
const STRICTER = {
  name: 'webAuthnPolicyPasswordlessUserVerificationRequirement',
  unset: 'not specified',
  since: 'webAuthnPolicyPasswordlessResidentKey',
} as const
/** What makes a member as if it had never been set; others cannot be unset. */
const UNSET: Readonly<Record<string, JsonValue>> = {
  ...{ displayName: '', displayNameHtml: '', passwordPolicy: '', defaultLocale: '' },
  ...{ loginTheme: '', accountTheme: '', adminTheme: '', emailTheme: '', supportedLocales: [], eventsExpiration: 0 },
}
/** Repeated by an attribute that readers leave out. */
const HIDDEN_ATTRIBUTE = { name: 'realmReusableOtpCode', of: 'otpPolicyCodeReusable' } as const

/** Policies that Keycloak takes as a whole: of one without its type, or without its other members, it takes nothing, or fills in defaults. Seen on 24.0.5, 26.3.4 and 26.7.4. */
const WHOLE_POLICIES = ['otpPolicy', 'webAuthnPolicyPasswordless', 'webAuthnPolicy'] as const

const mailSchema = z.looseObject({ smtpServer: z.record(z.string(), z.unknown()).nullish() })

export const realmWriter: KindWriter = {
  kind: 'realm',

  async foresee(work, change) {
    const { before, after } = change
    if (after === undefined) return cannot('never-deleted', 'A realm is never deleted by a restore.')
    if (before === undefined) return cannot('not-restored', 'A realm is never made by a restore.')
    const realm = await work.target.realm(work.signal)
    const outcome = outcomeOf(work, change, after, await missingFlows(work, before.state, after.state), realm)
    if (outcome === 'left' || !lacksMailPassword(after, realm)) return forecastOf(outcome)
    return forecastOf({ ...outcome, lost: [...outcome.lost, MAIL_PASSWORD], needsPerson: [ENTER_MAIL_PASSWORD] })
  },

  async apply(work, change, _segments, live) {
    const { before, after } = change
    if (after === undefined || live === undefined) throw notTaken('missing')
    const missing = await missingFlows(work, before?.state ?? {}, after.state)
    const outcome = outcomeOf(work, change, after, missing, await readRealm(work))
    if (outcome === 'left') return { kind: 'already', complete: false }
    const now = await standing(change, outcome.state, live)
    if (now.kind === 'done') return now.applied
    await write(work, outcome.state, live.state, after)
    return { kind: 'applied', complete: false }
  },
}

function outcomeOf(
  work: Work,
  change: Change,
  { state: wanted }: Wanted,
  missing: ReadonlySet<string>,
  realm: RealmAnswer,
): Outcome | 'left' {
  const seen = change.before?.state ?? {}
  const lost: Lost[] = []
  const state: Record<string, JsonValue> = {}
  for (const name of new Set([...Object.keys(seen), ...Object.keys(wanted)])) {
    const [is, will] = [seen[name], wanted[name]]
    const value = (): JsonValue | undefined => {
      if (isSame(is, will)) return is
      const keep = (reason: string): JsonValue | undefined => {
        lost.push({ field: name, reason })
        return is
      }
      const fixed = FIXED[name]
      if (fixed !== undefined) return keep(fixed)
      if (FLOWS.has(name) && typeof will === 'string' && missing.has(will)) return keep('There is no such flow here.')
      if (
        name === STRICTER.name &&
        will === STRICTER.unset &&
        is === 'required' &&
        Object.hasOwn(realm, STRICTER.since)
      )
        return keep('This version of Keycloak requires it where nothing is specified.')
      // An older source does not know it: it stays as it is.
      if (will === undefined) return Object.hasOwn(UNSET, name) ? undefined : is
      if (is === undefined && !isKnownField('realm', name, realm)) return keep(UNKNOWN_FIELD)
      if (name === 'attributes')
        return { ...pick(membersOf(is), (attribute) => LASTING_ATTRIBUTES.has(attribute)), ...membersOf(will) }
      // Those that are not named stay.
      if (name === 'browserSecurityHeaders') return { ...membersOf(is), ...membersOf(will) }
      return will
    }
    const found = value()
    if (found !== undefined) state[name] = found
  }
  return keepInstallersPart(work, 'realm', [], change, { state, lost, needsPerson: [] })
}

/** Aliases that `wanted` binds otherwise than `seen`, and that are neither here nor made by this plan. */
async function missingFlows(work: Work, seen: JsonObject, wanted: JsonObject): Promise<ReadonlySet<string>> {
  const aliases = [...FLOWS].filter((name) => !isSame(seen[name], wanted[name])).map((name) => wanted[name])
  const texts = aliases.filter((alias) => typeof alias === 'string')
  return new Set(await missingOf(work, texts))
}

function lacksMailPassword({ state, secrets }: Wanted, { smtpServer }: RealmAnswer): boolean {
  const isThere = Object.values(smtpServer ?? {}).includes(MASK)
  return membersOf(state['smtpServer'])['auth'] === 'true' && !isThere && secrets['smtpServer.password'] === undefined
}

const MAIL_PASSWORD: Lost = {
  field: 'smtpServer.password',
  reason: 'Keycloak shows it to nobody, so the backup does not have it.',
}
const ENTER_MAIL_PASSWORD =
  'Enter the password of the mail server again: Keycloak shows it to nobody, so no backup has it.'

async function readRealm({ client, signal }: Work): Promise<RealmAnswer> {
  const { realm } = client.settings
  return await client.read(
    { right: 'view-realm', schema: realmSchema, request: (admin) => admin.realms.findOne({ realm }) },
    signal,
  )
}

async function write(work: Work, state: JsonObject, live: JsonObject, wanted: Wanted): Promise<void> {
  const realm = await readRealm(work)
  const secrets = await openSecrets(wanted)
  const secretIn = (name: string): boolean => Object.keys(secrets).some((place) => place.startsWith(`${name}.`))
  const differs = (name: string): boolean => !isSame(live[name], state[name]) || secretIn(name)
  const repeated = differs(HIDDEN_ATTRIBUTE.of)
  const sendsAttributes = differs('attributes')
  const body: Record<string, JsonValue> = {}
  for (const name of new Set([...Object.keys(live), ...Object.keys(state)])) {
    if (!differs(name)) continue
    // Kept among the attributes: those say it.
    if (sendsAttributes && Object.hasOwn(membersOf(live['attributes']), name)) continue
    if (sendsAttributes && Object.hasOwn(membersOf(state['attributes']), name)) continue
    const value = state[name] ?? UNSET[name]
    if (value !== undefined) body[name] = value
  }
  for (const policy of new Set(Object.keys(body).flatMap((name) => policyOf(name) ?? [])))
    for (const [name, value] of Object.entries(state)) if (policyOf(name) === policy) body[name] ??= value
  if (sendsAttributes) {
    body['attributes'] = {
      ...unseen(realm.attributes, live['attributes']),
      ...(repeated ? { [HIDDEN_ATTRIBUTE.name]: String(state[HIDDEN_ATTRIBUTE.of] === true) } : {}),
      ...membersOf(state['attributes']),
    }
    const headers = state['browserSecurityHeaders']
    if (headers !== undefined) body['browserSecurityHeaders'] = headers
  }
  if (body['smtpServer'] !== undefined) {
    const { smtpServer } = mailSchema.parse(realm)
    body['smtpServer'] = { ...unseen(smtpServer, live['smtpServer']), ...membersOf(body['smtpServer']) }
  }
  await put(work, withSecrets(body, secrets))
}

function policyOf(name: string): string | undefined {
  return WHOLE_POLICIES.find((policy) => name.startsWith(policy))
}

/** What an answer holds and a reader leaves out: masks and secrets, which stay as they are. */
function unseen(answer: Readonly<Record<string, unknown>> | null | undefined, seen: JsonValue | undefined): JsonObject {
  const shown = membersOf(seen)
  return Object.fromEntries(
    Object.entries(answer ?? {}).filter(
      (member): member is [string, string] => typeof member[1] === 'string' && !Object.hasOwn(shown, member[0]),
    ),
  )
}

async function put({ client, signal }: Work, body: JsonObject): Promise<void> {
  await sendWell(client, { method: 'PUT', path: [], body, right: 'manage-realm' }, signal)
}
