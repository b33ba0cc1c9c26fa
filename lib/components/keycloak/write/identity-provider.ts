/**
 * Identity providers with their mappers. Made whole by one import, since Keycloak knows no change of an alias; changed by one request for the provider, always with all of
 * it, and one for each mapper. A secret that is masked is sent back as the mask, which keeps it; a new provider has none until somebody enters it.
 */
import * as z from 'zod'
import type { Change, Wanted } from '../../../resources/change.ts'
import { encodeKey, formatKey } from '../../../resources/key.ts'
import type { JsonObject, JsonValue } from '../../../resources/json.ts'
import { MASK } from '../secret-fields.ts'
import { isSame } from './between.ts'
import { missingFlows } from './flow-references.ts'
import { isKnownField, UNKNOWN_FIELD } from './known-fields.ts'
import {
  forecastOf,
  keepInstallersPart,
  membersOf,
  openSecrets,
  pick,
  standing,
  textOf,
  withSecrets,
} from './member-change.ts'
import type { Outcome } from './member-change.ts'
import { missingReason } from './references.ts'
import { notTaken, send, sendWell } from './send.ts'
import { cannot, will } from './work.ts'
import type { KindWriter, Lost, Work } from './work.ts'

const PLACE = ['identity-provider', 'instances'] as const
const RIGHT = 'manage-identity-providers'
const FLOWS = ['firstBrokerLoginFlowAlias', 'postBrokerLoginFlowAlias'] as const
const providerSchema = z.looseObject({ config: z.record(z.string(), z.unknown()).nullish() })
const mappersSchema = z.array(z.looseObject({ id: z.string(), name: z.string() }))

export const identityProviderWriter: KindWriter = {
  kind: 'identity-provider',

  async foresee(work, change, segments) {
    const { before, after } = change
    if (after === undefined) return will(undefined)
    const outcome = await outcomeOf(work, change, after, segments)
    if (outcome === 'left') return forecastOf(outcome)
    const { state } = outcome
    if (before !== undefined && !isSame(before.state['providerId'], state['providerId']))
      return cannot(
        'type-changed',
        'The provider of this name is of another type, which Keycloak does not change: remove it, and plan again. Its people lose their links by that.',
      )
    const known = await work.target.parts(work.signal, 'identity_provider', 'social')
    if (known !== undefined && !known.has(textOf(state['providerId'])))
      return cannot(
        'provider-missing',
        'This Keycloak has no identity providers of this type: install it, and plan again.',
      )
    const bound = FLOWS.filter((name) => !isSame(before?.state[name], state[name])).map((name) => state[name])
    const missing = await missingFlows(
      work,
      bound.filter((alias) => typeof alias === 'string'),
    )
    if (missing.length > 0)
      return cannot('reference-missing', missingReason(missing.map((alias) => formatKey(encodeKey('flow', [alias])))))
    const secret = before === undefined ? secretNeeded(after) : []
    return forecastOf({ ...outcome, lost: [...outcome.lost, ...secret], needsPerson: secret.map(() => ENTER_SECRET) })
  },

  async apply(work, change, segments, live) {
    const { after } = change
    const [alias = ''] = segments
    const outcome = after && (await outcomeOf(work, change, after, segments))
    if (outcome === 'left') return { kind: 'already', complete: false }
    const now = await standing(change, outcome?.state, live)
    if (now.kind === 'done') return now.applied
    if (now.kind === 'remove') await remove(work, [...PLACE, alias])
    else if (outcome === undefined || after === undefined) throw notTaken('missing')
    else if (now.kind === 'make') await make(work, alias, outcome.state, after)
    else await update(work, alias, outcome.state, after, live?.state ?? {})
    return { kind: 'applied', complete: false }
  },
}

const ENTER_SECRET =
  'Enter the secret of the identity provider again: Keycloak shows it to nobody, so no backup has it. Until then nobody logs in through it.'

async function outcomeOf(
  work: Work,
  change: Change,
  { state }: Wanted,
  segments: readonly string[],
): Promise<Outcome | 'left'> {
  const { before } = change
  const realm = await work.target.realm(work.signal)
  const lost: Lost[] = []
  const draft: Record<string, JsonValue> = {}
  for (const [name, value] of Object.entries(state)) {
    // A switch that readers write as off where the server has none.
    const isKnown = name === 'mappers' || isKnownField('identity-provider', name, realm)
    if (isKnown || value === false || isSame(before?.state[name], value)) draft[name] = value
    else lost.push({ field: name, reason: UNKNOWN_FIELD })
    if (!isKnown && value === true && name === 'hideOnLogin') draft[name] = false
  }
  const known = await work.target.parts(work.signal, 'identity-provider-mapper')
  if (known !== undefined) {
    const has = membersOf(before?.state['mappers'])
    draft['mappers'] = pick(membersOf(draft['mappers']), (name) => {
      const type = membersOf(membersOf(state['mappers'])[name])['identityProviderMapper']
      const isKnown = has[name] !== undefined || known.has(textOf(type))
      if (!isKnown) lost.push({ field: `mappers.${name}`, reason: 'This Keycloak has no mappers of this type.' })
      return isKnown
    })
  }
  return keepInstallersPart(work, 'identity-provider', segments, change, { state: draft, lost, needsPerson: [] })
}

/** Has it a client of its own there, and does it prove that by a secret? */
function secretNeeded({ state, secrets }: Wanted): readonly Lost[] {
  const config = membersOf(state['config'])
  const isProven = config['clientAuthMethod'] === 'private_key_jwt' || config['clientSecret'] !== undefined
  return config['clientId'] === undefined || isProven || secrets['config.clientSecret'] !== undefined
    ? []
    : [{ field: 'config.clientSecret', reason: 'Keycloak shows it to nobody, so the backup does not have it.' }]
}

/** Without what this target has no member for. */
async function bodyOf({ target, signal }: Work, alias: string, state: JsonObject, wanted: Wanted): Promise<JsonObject> {
  const realm = await target.realm(signal)
  const whole = withSecrets(state, await openSecrets(wanted))
  return { alias, ...pick(whole, (name) => isKnownField('identity-provider', name, realm)) }
}

async function make(work: Work, alias: string, state: JsonObject, wanted: Wanted): Promise<void> {
  const whole = withSecrets(state, await openSecrets(wanted))
  const mappers = Object.entries(membersOf(whole['mappers']))
  const body = {
    ifResourceExists: 'FAIL',
    identityProviders: [await bodyOf(work, alias, state, wanted)],
    identityProviderMappers: mappers.map(([name, mapper]) => ({ ...mapperOf(alias, name, mapper) })),
  }
  await sendWell(
    work.client,
    { method: 'POST', path: ['partialImport'], body, right: 'manage-realm', once: true },
    work.signal,
  )
}

async function update(work: Work, alias: string, state: JsonObject, wanted: Wanted, live: JsonObject): Promise<void> {
  const { client, signal } = work
  const place = [...PLACE, alias]
  const { mappers: has, ...liveProvider } = live
  const { mappers: wants, ...provider } = state
  if (!isSame(liveProvider, provider) || Object.keys(wanted.secrets).some((name) => name.startsWith('config.'))) {
    const { config } = await client.read(
      {
        right: 'view-identity-providers',
        schema: providerSchema,
        request: (admin) => admin.identityProviders.findOne({ alias }),
      },
      signal,
    )
    const masks = Object.fromEntries(Object.entries(config ?? {}).filter(([, value]) => value === MASK))
    const body = await bodyOf(work, alias, provider, wanted)
    const whole = { ...body, config: { ...masks, ...membersOf(body['config']) } }
    await sendWell(client, { method: 'PUT', path: place, body: whole, right: RIGHT }, signal)
  }
  if (isSame(has ?? {}, wants ?? {})) return
  const present = await client.read(
    {
      right: 'view-identity-providers',
      schema: mappersSchema,
      request: (admin) => admin.identityProviders.findMappers({ alias }),
    },
    signal,
  )
  const [before, after] = [membersOf(has), membersOf(withSecrets(state, await openSecrets(wanted))['mappers'])]
  for (const [name, mapper] of Object.entries(after)) {
    const id = present.find((one) => one.name === name)?.id
    if (id !== undefined && isSame(before[name], mapper)) continue
    const body = mapperOf(alias, name, mapper)
    if (id === undefined) {
      const path = [...place, 'mappers']
      await sendWell(client, { method: 'POST', path, body, right: RIGHT, once: true }, signal)
    } else {
      const path = [...place, 'mappers', id]
      await sendWell(client, { method: 'PUT', path, body: { ...body, id }, right: RIGHT }, signal)
    }
  }
  for (const { id, name } of present) if (after[name] === undefined) await remove(work, [...place, 'mappers', id])
}

function mapperOf(alias: string, name: string, mapper: JsonValue): JsonObject {
  return { ...membersOf(mapper), name, identityProviderAlias: alias }
}

async function remove({ client, signal }: Work, path: readonly string[]): Promise<void> {
  const sent = await send(client, { method: 'DELETE', path, right: RIGHT }, signal)
  if (sent !== 'done' && sent !== 'missing') throw notTaken(sent)
}
