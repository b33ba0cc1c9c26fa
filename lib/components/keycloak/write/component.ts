/**
 * Parts of the realm that the server's own code makes: user federations with their mappers, rules for registering clients. Keys that sign are never restored. One that is
 * made gets a name of its own until it is whole, since Keycloak adds mappers of its own to a federation, and these are brought to what is wanted before anybody sees it.
 */
import type { Wanted } from '../../../resources/change.ts'
import type { JsonObject, JsonValue } from '../../../resources/json.ts'
import type { ComponentAnswer } from '../answers.ts'
import { componentsSchema, realmSchema } from '../answers.ts'
import { isSecretName, MASK } from '../secret-fields.ts'
import { isSame } from './between.ts'
import { forecastOf, membersOf, openSecrets, standing, withSecrets } from './member-change.ts'
import { create, notTaken, send, sendWell } from './send.ts'
import { cannot, will } from './work.ts'
import type { KindWriter, Lost, Work } from './work.ts'

const KEYS = 'org.keycloak.keys.KeyProvider'
const FEDERATION = 'org.keycloak.storage.UserStorageProvider'
/** What the server calls what makes them. */
const TASKS: Readonly<Record<string, string>> = {
  [FEDERATION]: 'storage',
  'org.keycloak.services.clientregistration.policy.ClientRegistrationPolicy': 'client-registration-policy',
}
/** Before the name of one that is not whole yet. */
const UNFINISHED = 'toriki-unfinished '
const NAME_LENGTH_MAX = 255
const RIGHT = 'manage-realm'

interface Place {
  readonly providerType: string
  readonly providerId: string
  readonly name: string
  readonly subType: string | undefined
}

export const componentWriter: KindWriter = {
  kind: 'component',

  async foresee(work, change, segments) {
    const { before, after } = change
    const place = placeOf(segments)
    if (place.providerType === KEYS)
      return {
        kind: 'left',
        reason: 'Keys that sign are never restored: Keycloak shows them to nobody, and makes new ones.',
      }
    if (isNumbered(segments)) return NO_NAME
    if ((await sameNamed(work, place)).length > 1) return NO_NAME
    if (after === undefined) return will(undefined)
    if (hasDoubles(after.state) || hasDoubles(before?.state)) return NO_NAME
    if (UNFINISHED.length + place.name.length > NAME_LENGTH_MAX)
      return cannot('name-too-long', 'Its name is too long for a part that is not whole yet: give it a shorter one.')
    const task = TASKS[place.providerType]
    const known = task === undefined ? undefined : await work.target.parts(work.signal, task)
    if (known !== undefined && !known.has(place.providerId))
      return cannot('provider-missing', 'This Keycloak has nothing that makes it: install what does, and plan again.')
    const keeps = before === undefined ? !(await isTaken(work, after)) : isSame(before.kept, after.kept)
    const idLost: readonly Lost[] = keeps
      ? []
      : [{ field: 'id', reason: 'It was made anew since, or its id is another’s: people it brought know the old one.' }]
    const needed = before === undefined ? secretNeeded(after) : []
    return forecastOf(
      { state: after.state, lost: [...idLost, ...needed], needsPerson: needed.map(() => ENTER_SECRET) },
      keeps,
    )
  },

  async apply(work, change, segments, live) {
    const { after } = change
    const now = await standing(change, after?.state, live)
    if (now.kind === 'done') {
      if (now.applied.kind === 'already') await removeUnfinished(work, placeOf(segments))
      return now.applied
    }
    const place = placeOf(segments)
    const same = await sameNamed(work, place)
    if (isNumbered(segments) || same.length > 1 || place.providerType === KEYS) return { kind: 'conflict', fields: [] }
    if (after === undefined) await remove(work, same[0]?.id)
    else if (now.kind === 'make') await make(work, place, after)
    else await update(work, same[0] ?? unexpectedlyGone(), place.name, after)
    return { kind: 'applied', complete: false }
  },
}

const NO_NAME = cannot(
  'name-not-unique',
  'Several have this name, and nothing tells which is which: give each a name of its own, and plan again.',
)
const ENTER_SECRET =
  'Enter the password of the user federation again: Keycloak shows it to nobody, so no backup has it. Until then it finds nobody.'

function isNumbered(segments: readonly string[]): boolean {
  return segments.length > 3 && /^#\d+$/.test(segments.at(-1) ?? '')
}

function placeOf([providerType = '', providerId = '', name = '', subType]: readonly string[]): Place {
  return { providerType, providerId, name, subType }
}

/** Two mappers of one name, which a reader tells apart by a number. */
function hasDoubles(state: JsonObject | undefined): boolean {
  return Object.keys(membersOf(state?.['mappers'])).some((name) => / #\d+$/.test(name))
}

function secretNeeded({ state, secrets }: Wanted): readonly Lost[] {
  const config = membersOf(state['config'])
  return config['bindDn'] === undefined ||
    config['bindCredential'] !== undefined ||
    secrets['config.bindCredential'] !== undefined
    ? []
    : [{ field: 'config.bindCredential', reason: 'Keycloak shows it to nobody, so the backup does not have it.' }]
}

async function list({ client, signal }: Work): Promise<readonly ComponentAnswer[]> {
  return await client.read(
    { right: 'view-realm', schema: componentsSchema, request: (admin) => admin.components.find() },
    signal,
  )
}

async function sameNamed(work: Work, place: Place, name = place.name): Promise<readonly ComponentAnswer[]> {
  return (await list(work)).filter(
    (one) =>
      one.providerType === place.providerType &&
      one.providerId === place.providerId &&
      (one.name ?? '') === name &&
      (one.subType ?? undefined) === place.subType,
  )
}

async function make(work: Work, place: Place, wanted: Wanted): Promise<void> {
  const { client, signal } = work
  await removeUnfinished(work, place)
  const { realm } = client.settings
  const { id: parentId } = await client.read(
    { right: 'view-realm', schema: realmSchema, request: (admin) => admin.realms.findOne({ realm }) },
    signal,
  )
  const id = await keptId(work, wanted)
  const { config, ...whole } = await bodyOf(wanted)
  const body = {
    ...{ ...whole, ...described(place), parentId, name: `${UNFINISHED}${place.name}`, ...id },
    // It finds nobody before it is whole.
    config: { ...membersOf(config), ...(place.providerType === FEDERATION ? { enabled: ['false'] } : {}) },
  }
  const made = await create(client, { method: 'POST', path: ['components'], body, right: RIGHT }, signal)
  const found = (await list(work)).find((one) => one.id === made)
  await update(work, found ?? unexpectedlyGone(), place.name, wanted)
}

/** The id that it had, unless another has it. */
async function keptId(work: Work, wanted: Wanted): Promise<{ readonly id?: string }> {
  const { id } = wanted.kept
  return typeof id !== 'string' || (await isTaken(work, wanted)) ? {} : { id }
}

async function isTaken(work: Work, { kept: { id } }: Wanted): Promise<boolean> {
  return (await list(work)).some((one) => one.id === id && one.name?.startsWith(UNFINISHED) !== true)
}

/** Mappers first; the part itself last, by which it gets its name. */
async function update(work: Work, found: ComponentAnswer, name: string, wanted: Wanted): Promise<void> {
  const body = await bodyOf(wanted)
  const mappers = membersOf(withSecrets(wanted.state, await openSecrets(wanted), listed)['mappers'])
  await updateMappers(work, found.id, mappers)
  await putComponent(work, found, { ...body, name })
}

async function updateMappers(work: Work, parentId: string, wanted: JsonObject): Promise<void> {
  const { client, signal } = work
  const present = (await list(work)).filter((one) => one.parentId === parentId)
  for (const one of present) if (wanted[one.name ?? one.providerId] === undefined) await remove(work, one.id)
  for (const [name, mapper] of Object.entries(wanted)) {
    const { mappers: below, ...body } = membersOf(mapper)
    const found = present.find((one) => (one.name ?? one.providerId) === name)
    const id =
      found?.id ??
      (await create(
        client,
        { method: 'POST', path: ['components'], body: { ...body, name, parentId }, right: RIGHT },
        signal,
      ))
    if (found !== undefined) await putComponent(work, found, { ...body, name })
    if (below !== undefined) await updateMappers(work, id, membersOf(below))
  }
}

/** Sent only where it differs. A value that is not named stays, so those that shall go are sent empty; a mask keeps what it hides. */
async function putComponent({ client, signal }: Work, found: ComponentAnswer, body: JsonObject): Promise<void> {
  const has = found.config ?? {}
  const wants = membersOf(body['config'])
  const gone = Object.keys(has).filter(
    (name) => wants[name] === undefined && !UNREAD.has(name) && !isSecretName(name) && !isMasked(has[name]),
  )
  const isAsWanted =
    gone.length === 0 &&
    Object.entries(wants).every(([name, value]) => isSameList(has[name], value)) &&
    Object.entries(body).every(([name, value]) => name === 'config' || isSame(found[name] as JsonValue, value))
  if (isAsWanted) return
  const config = { ...(has as JsonObject), ...wants, ...Object.fromEntries(gone.map((name) => [name, []])) }
  const path = ['components', found.id]
  await sendWell(client, { method: 'PUT', path, body: { ...found, ...body, config }, right: RIGHT }, signal)
}

/** What readers leave out of a configuration. */
const UNREAD: ReadonlySet<string> = new Set(['id', 'parentId', 'name', 'providerId', 'providerType', 'lastSync'])

function isMasked(value: unknown): boolean {
  return Array.isArray(value) && value.includes(MASK)
}

function isSameList(one: unknown, other: JsonValue): boolean {
  const sorted = (value: unknown): string =>
    JSON.stringify(Array.isArray(value) ? [...(value as readonly unknown[])].map(String).sort() : value)
  return sorted(one) === sorted(other)
}

async function bodyOf(wanted: Wanted): Promise<JsonObject> {
  const { mappers: _mappers, ...body } = withSecrets(wanted.state, await openSecrets(wanted), listed)
  return body
}

function listed(value: string): JsonValue {
  return [value]
}

function described({ providerType, providerId, subType }: Place): JsonObject {
  return { providerType, providerId, ...(subType === undefined ? {} : { subType }) }
}

async function removeUnfinished(work: Work, place: Place): Promise<void> {
  for (const { id } of await sameNamed(work, place, `${UNFINISHED}${place.name}`)) await remove(work, id)
}

async function remove({ client, signal }: Work, id: string | undefined): Promise<void> {
  if (id === undefined) return
  const sent = await send(client, { method: 'DELETE', path: ['components', id], right: RIGHT }, signal)
  if (sent !== 'done' && sent !== 'missing') throw notTaken(sent)
}

function unexpectedlyGone(): never {
  throw notTaken('missing')
}
