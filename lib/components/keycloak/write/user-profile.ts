/** Which attributes people may have: one document, always sent whole. It is there always, and never removed. */
import type { Change, Wanted } from '../../../resources/change.ts'
import type { JsonObject, JsonValue } from '../../../resources/json.ts'
import type { RealmAnswer } from '../answers.ts'
import { isKnownField, UNKNOWN_FIELD } from './known-fields.ts'
import {
  forecastOf,
  isMembers,
  keepInstallersPart,
  membersOf,
  openSecrets,
  standing,
  withSecrets,
} from './member-change.ts'
import type { Outcome } from './member-change.ts'
import { notTaken, sendWell } from './send.ts'
import { cannot } from './work.ts'
import type { KindWriter, Lost, Work } from './work.ts'

export const userProfileWriter: KindWriter = {
  kind: 'user-profile',

  async foresee(work, change) {
    const { before, after } = change
    if (after === undefined) return cannot('never-deleted', 'The user profile is never deleted by a restore.')
    if (before === undefined) return cannot('not-there', 'This version of Keycloak has no user profile.')
    return forecastOf(await outcomeOf(work, change, after))
  },

  async apply(work, change, _segments, live) {
    const { after } = change
    if (after === undefined || live === undefined) throw notTaken('missing')
    const outcome = await outcomeOf(work, change, after)
    if (outcome === 'left') return { kind: 'already', complete: false }
    const now = await standing(change, outcome.state, live)
    if (now.kind === 'done') return now.applied
    const body = bodyOf(withSecrets(outcome.state, await openSecrets(after)))
    await sendWell(work.client, { method: 'PUT', path: ['users', 'profile'], body, right: 'manage-realm' }, work.signal)
    return { kind: 'applied', complete: false }
  },
}

async function outcomeOf(work: Work, change: Change, { state: wanted }: Wanted): Promise<Outcome | 'left'> {
  const seen = change.before?.state ?? {}
  const realm = await work.target.realm(work.signal)
  const lost: Lost[] = []
  const validators = await work.target.parts(work.signal, 'validator')
  const draft: Record<string, JsonValue> = {}
  for (const [name, value] of Object.entries(wanted)) {
    const isOrder = name === 'attributeOrder' || name === 'groupOrder'
    if (isOrder || seen[name] !== undefined || isKnownField('user-profile', name, realm)) draft[name] = value
    else lost.push({ field: name, reason: UNKNOWN_FIELD })
  }
  const notes = { realm, lost, validators }
  draft['attributes'] = entries('attribute', 'attributes', seen, draft, notes)
  draft['groups'] = entries('group', 'groups', seen, draft, notes)
  const outcome = keepInstallersPart(work, 'user-profile', [], change, { state: draft, lost, needsPerson: [] })
  if (outcome === 'left') return outcome
  const { state } = outcome
  const order = (list: 'attributes' | 'groups', places: 'attributeOrder' | 'groupOrder'): readonly JsonValue[] => {
    const names = Object.keys(membersOf(state[list]))
    const known = [...listOf(wanted[places]), ...listOf(seen[places])]
    return [...new Set([...known, ...names])].filter((name) => names.includes(name as string))
  }
  const inOrder = { attributeOrder: order('attributes', 'attributeOrder'), groupOrder: order('groups', 'groupOrder') }
  return { ...outcome, state: { ...state, ...inOrder } }
}

/** Attributes or groups, each without members and checks that this target does not have. */
function entries(
  kind: 'attribute' | 'group',
  list: 'attributes' | 'groups',
  seen: JsonObject,
  wanted: JsonObject,
  notes: { readonly realm: RealmAnswer; readonly lost: Lost[]; readonly validators: ReadonlySet<string> | undefined },
): JsonObject {
  const has = membersOf(seen[list])
  return Object.fromEntries(
    Object.entries(membersOf(wanted[list])).map(([name, entry]) => [
      name,
      Object.fromEntries(
        Object.entries(membersOf(entry)).flatMap(([member, value]) => {
          const field = `${list}.${name}.${member}`
          const isKnown =
            membersOf(has[name])[member] !== undefined || isKnownField(`user-profile ${kind}`, member, notes.realm)
          if (!isKnown) {
            notes.lost.push({ field, reason: UNKNOWN_FIELD })
            return []
          }
          if (member !== 'validations' || notes.validators === undefined) return [[member, value]]
          const checks = Object.entries(membersOf(value)).filter(([check]) => {
            const isHere = notes.validators?.has(check) === true
            if (!isHere) notes.lost.push({ field: `${field}.${check}`, reason: 'This Keycloak has no such check.' })
            return isHere
          })
          return [[member, Object.fromEntries(checks)]]
        }),
      ),
    ]),
  )
}

function bodyOf({
  attributes,
  groups,
  attributeOrder,
  groupOrder,
  unmanagedAttributePolicy,
  ...others
}: JsonObject): JsonObject {
  const list = (members: JsonValue | undefined, order: JsonValue | undefined): readonly JsonValue[] =>
    listOf(order).flatMap((name) => {
      const entry = membersOf(members)[name as string]
      return isMembers(entry) ? [{ name, ...entry }] : []
    })
  return {
    ...others,
    attributes: list(attributes, attributeOrder),
    groups: list(groups, groupOrder),
    // Off is said by leaving it out.
    ...(unmanagedAttributePolicy === undefined || unmanagedAttributePolicy === 'DISABLED'
      ? {}
      : { unmanagedAttributePolicy }),
  }
}

function listOf(value: JsonValue | undefined): readonly JsonValue[] {
  return Array.isArray(value) ? (value as readonly JsonValue[]) : []
}
