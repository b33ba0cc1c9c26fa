/** Profiles and policies for clients. Keycloak takes each of the two lists whole: the others in it are sent back as they came. */
import type { Change, Wanted } from '../../../resources/change.ts'
import { encodeKey, formatKey } from '../../../resources/key.ts'
import type { JsonObject, JsonValue } from '../../../resources/json.ts'
import { clientPoliciesSchema, clientProfilesSchema } from '../answers.ts'
import { isKnownField, UNKNOWN_FIELD } from './known-fields.ts'
import { forecastOf, membersOf, openSecrets, pick, standing, withSecrets } from './member-change.ts'
import type { Outcome } from './member-change.ts'
import { missingReason } from './references.ts'
import { sendWell } from './send.ts'
import { cannot, will } from './work.ts'
import type { KindWriter, Lost, Work } from './work.ts'

interface List {
  readonly kind: 'client-profile' | 'client-policy'
  readonly name: 'profiles' | 'policies'
  /** Lists in an entry, what their items name, and what the server calls such things. */
  readonly parts: readonly { readonly list: string; readonly names: string; readonly task: string }[]
  read(work: Work, withGlobal: boolean): Promise<readonly { readonly name: string }[]>
}

const PROFILES: List = {
  kind: 'client-profile',
  name: 'profiles',
  parts: [{ list: 'executors', names: 'executor', task: 'client-policy-executor' }],
  async read({ client, signal }, withGlobal) {
    const { profiles, globalProfiles } = await client.read(
      {
        right: 'view-realm',
        schema: clientProfilesSchema,
        request: (admin) => admin.clientPolicies.listProfiles({ includeGlobalProfiles: withGlobal }),
      },
      signal,
    )
    return [...(profiles ?? []), ...(withGlobal ? namedOf(globalProfiles) : [])]
  },
}

const POLICIES: List = {
  kind: 'client-policy',
  name: 'policies',
  parts: [{ list: 'conditions', names: 'condition', task: 'client-policy-condition' }],
  async read({ client, signal }, withGlobal) {
    const { policies, globalPolicies } = await client.read(
      {
        right: 'view-realm',
        schema: clientPoliciesSchema,
        request: (admin) => admin.clientPolicies.listPolicies({ includeGlobalPolicies: withGlobal }),
      },
      signal,
    )
    return [...(policies ?? []), ...(withGlobal ? namedOf(globalPolicies) : [])]
  },
}

function writerOf(list: List): KindWriter {
  return {
    kind: list.kind,

    async foresee(work, change, [name = '']) {
      const { after } = change
      if (after === undefined) return will(undefined)
      const unknown = await unknownParts(work, list, after.state)
      if (unknown.length > 0)
        return cannot(
          'provider-missing',
          `This Keycloak has nothing that does ${unknown.join(', ')}: install what does, and plan again.`,
        )
      const missing = list === POLICIES ? await missingProfiles(work, after.state) : []
      if (missing.length > 0) return cannot('reference-missing', missingReason(missing))
      if (change.before === undefined && (await list.read(work, true)).some((one) => one.name === name))
        return cannot('occupied', 'Keycloak itself has one of this name here, for every realm.')
      return forecastOf(await outcomeOf(work, list, change, after))
    },

    async apply(work, change, [name = ''], live) {
      const { after } = change
      const outcome = after && (await outcomeOf(work, list, change, after))
      const now = await standing(change, outcome?.state, live)
      if (now.kind === 'done') return now.applied
      const entry =
        outcome === undefined || after === undefined
          ? undefined
          : { name, ...withSecrets(outcome.state, await openSecrets(after)) }
      const present = await list.read(work, false)
      const kept = present.map((one) => (one.name === name ? entry : one)).filter((one) => one !== undefined)
      const isNew = entry !== undefined && !present.some((one) => one.name === name)
      const body = { [list.name]: isNew ? [...kept, entry] : kept }
      const path = ['client-policies', list.name]
      await sendWell(work.client, { method: 'PUT', path, body, right: 'manage-realm' }, work.signal)
      return { kind: 'applied', complete: false }
    },
  }
}

export const clientProfileWriter: KindWriter = writerOf(PROFILES)
export const clientPolicyWriter: KindWriter = writerOf(POLICIES)

async function outcomeOf(
  { target, signal }: Work,
  list: List,
  { before }: Change,
  { state }: Wanted,
): Promise<Outcome> {
  const realm = await target.realm(signal)
  const lost: Lost[] = []
  const known = pick(state, (name) => {
    const isKnown = before?.state[name] !== undefined || isKnownField(list.kind, name, realm)
    if (!isKnown) lost.push({ field: name, reason: UNKNOWN_FIELD })
    return isKnown
  })
  return { state: known, lost, needsPerson: [] }
}

async function unknownParts({ target, signal }: Work, { parts }: List, state: JsonObject): Promise<readonly string[]> {
  const unknown: string[] = []
  for (const { list, names, task } of parts) {
    const known = await target.parts(signal, task)
    if (known === undefined) continue
    for (const item of listOf(state[list])) {
      const name = membersOf(item)[names]
      if (typeof name === 'string' && !known.has(name)) unknown.push(name)
    }
  }
  return [...new Set(unknown)].sort()
}

async function missingProfiles(work: Work, { profiles }: JsonObject): Promise<readonly string[]> {
  const names = listOf(profiles).filter((name) => typeof name === 'string')
  if (names.length === 0) return []
  const known = new Set((await PROFILES.read(work, true)).map(({ name }) => name))
  return names
    .filter((name) => !known.has(name) && !work.expected.comes('client-profile', [name]))
    .map((name) => formatKey(encodeKey('client-profile', [name])))
    .sort()
}

function listOf(value: JsonValue | undefined): readonly JsonValue[] {
  return Array.isArray(value) ? (value as readonly JsonValue[]) : []
}

function namedOf(value: unknown): readonly { readonly name: string }[] {
  return Array.isArray(value) ? (value as readonly { readonly name: string }[]) : []
}
