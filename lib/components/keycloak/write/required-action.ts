/**
 * What people may be asked to do. One that is not there is registered, which Keycloak does with settings of its own, and then set: in between it is offered by name and
 * asked of nobody, since it is no default action.
 */
import * as z from 'zod'
import type { Change, Wanted } from '../../../resources/change.ts'
import type { JsonObject, JsonValue } from '../../../resources/json.ts'
import { isKnownField, UNKNOWN_FIELD } from './known-fields.ts'
import { forecastOf, openSecrets, pick, standing, withSecrets } from './member-change.ts'
import type { Outcome } from './member-change.ts'
import { send, sendWell, notTaken } from './send.ts'
import { cannot, will } from './work.ts'
import type { KindWriter, Lost, Work } from './work.ts'

const ACTIONS = ['authentication', 'required-actions'] as const
const unregisteredSchema = z.array(z.looseObject({ providerId: z.string() }))

export const requiredActionWriter: KindWriter = {
  kind: 'required-action',

  async foresee(work, change, [alias = '']) {
    const { before, after } = change
    if (after === undefined) return will(undefined)
    const outcome = await outcomeOf(work, change, after)
    if (before === undefined && !(await isOffered(work, providerOf(outcome.state, alias))))
      return cannot(
        'provider-missing',
        'This Keycloak has no required action of this provider: install it, and plan again.',
      )
    if (before === undefined && providerOf(outcome.state, alias) !== alias)
      return cannot(
        'alias-fixed',
        'Keycloak registers a required action under the name of its provider only, and this one has another.',
      )
    return forecastOf(outcome)
  },

  async apply(work, change, [alias = ''], live) {
    const { after } = change
    const outcome = after && (await outcomeOf(work, change, after))
    const now = await standing(change, outcome?.state, live, live && registered(live.state, outcome?.state))
    if (now.kind === 'done') return now.applied
    const place = [...ACTIONS, alias]
    const right = 'manage-realm'
    if (now.kind === 'remove') {
      const sent = await send(work.client, { method: 'DELETE', path: place, right }, work.signal)
      if (sent !== 'done' && sent !== 'missing') throw notTaken(sent)
      return { kind: 'applied', complete: false }
    }
    if (outcome === undefined || after === undefined) throw notTaken('missing')
    if (now.kind === 'make') {
      const body = { providerId: providerOf(outcome.state, alias), name: nameOf(outcome.state, alias) }
      const path = ['authentication', 'register-required-action']
      await sendWell(work.client, { method: 'POST', path, body, right, once: true }, work.signal)
    }
    const body = { ...withSecrets(outcome.state, await openSecrets(after)), alias }
    await sendWell(work.client, { method: 'PUT', path: place, body, right }, work.signal)
    return { kind: 'applied', complete: false }
  },
}

/** What registering leaves, where `live` is that: settings of Keycloak's own, at a place of its own. */
function registered(live: JsonObject, wanted: JsonObject | undefined): JsonObject {
  const fresh: Record<string, JsonValue> = { ...wanted, enabled: true, defaultAction: false, config: {} }
  return live['priority'] === undefined ? fresh : { ...fresh, priority: live['priority'] }
}

async function outcomeOf({ target, signal }: Work, { before }: Change, { state }: Wanted): Promise<Outcome> {
  const realm = await target.realm(signal)
  const lost: Lost[] = []
  const known = pick(state, (name) => {
    const isKnown = before?.state[name] !== undefined || isKnownField('required-action', name, realm)
    if (!isKnown) lost.push({ field: name, reason: UNKNOWN_FIELD })
    return isKnown
  })
  return { state: known, lost, needsPerson: [] }
}

function providerOf(state: JsonObject, alias: string): string {
  return typeof state['providerId'] === 'string' ? state['providerId'] : alias
}

function nameOf(state: JsonObject, alias: string): string {
  return typeof state['name'] === 'string' ? state['name'] : alias
}

/** Older versions register whatever they are told to, and have nothing that acts. */
async function isOffered({ client, signal }: Work, provider: string): Promise<boolean> {
  const offered = await client.read(
    {
      right: 'view-realm',
      schema: unregisteredSchema,
      request: (admin) => admin.authenticationManagement.getUnregisteredRequiredActions(),
    },
    signal,
  )
  return offered.some(({ providerId }) => providerId === provider)
}
