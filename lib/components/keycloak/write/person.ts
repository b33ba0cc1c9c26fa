/**
 * A person: made by `partialImport` where there is none, else brought to what is wanted by differences; removed only by a change that deletes. Never by OVERWRITE, which
 * drops what a record does not name and ends sessions. Nothing here sends mail.
 */
import type { Change, Wanted } from '../../../resources/change.ts'
import { encodeKey } from '../../../resources/key.ts'
import type { Resource } from '../../../resources/resource.ts'
import type { Applied, Forecast } from '../../writer.ts'
import { userSchema, usersSchema } from '../answers.ts'
import { isSame } from './between.ts'
import { outcomeOf } from './person-outcome.ts'
import { importRecord, lockedRecord } from './person-record.ts'
import { bodyOf, keptOf, personOf } from './person-state.ts'
import type { PersonState } from './person-state.ts'
import { updatePerson } from './person-update.ts'
import { strangeOf } from './person-between.ts'
import { asMade, mayWrite, organizationsRight, wayToMake } from './person-way.ts'
import { mayGive } from './may-give.ts'
import { grantsPrivilege } from './privilege.ts'
import { missingReason, missingReferences } from './references.ts'
import { notTaken, send, sendWell } from './send.ts'
import type { Sent } from './send.ts'
import { cannot, NEEDS_PRIVILEGED, rightReason, will } from './work.ts'
import type { KindWriter, Lost, Work } from './work.ts'

export const personWriter: KindWriter = {
  kind: 'user',

  async foresee(work, change) {
    if (change.after === undefined)
      return (await mayWrite(work, 'manage-users'))
        ? will(undefined)
        : cannot('right-missing', rightReason('manage-users'))
    return await foreseeWanted(work, { ...change, after: change.after })
  },

  async apply(work, change, segments, live) {
    const { before, after } = change
    if (after === undefined) return await remove(work, before && personOf(before.state), live)
    const { person } = await outcomeOf(work, { ...change, after })
    if (live === undefined) {
      if (before !== undefined) return { kind: 'conflict', fields: [] }
      await make(work, person, after)
      // Mostly an import is all.
      if (await isWholeByImport(work, person)) return { kind: 'applied', complete: false }
      const made = await work.read(encodeKey('user', segments))
      if (made === undefined) throw notTaken('missing')
      await finish(work, change, person, made)
      return { kind: 'applied', complete: false }
    }
    // A create that was cut off may have left what comes after the account was made.
    const seen = before?.state ?? bodyOf(await asMade(work, await wayToMake(work), person))
    const strange = strangeOf(live.state, seen, bodyOf(person))
    if (strange.length > 0) return { kind: 'conflict', fields: strange }
    if (isSame(live.state, bodyOf(person))) return { kind: 'already', complete: false }
    await finish(work, change, person, live)
    return { kind: 'applied', complete: false }
  },
}

/** Is nothing left to do after an import? Before 24 it does not do all that it says. */
async function isWholeByImport(work: Work, person: PersonState): Promise<boolean> {
  if ((await wayToMake(work)) !== 'import' || (await work.target.profile(work.signal)) === undefined) return false
  return isSame(bodyOf(await asMade(work, 'import', person)), bodyOf(person))
}

async function foreseeWanted(work: Work, change: Change & { readonly after: Wanted }): Promise<Forecast> {
  const { before, after } = change
  const wanted = personOf(after.state)
  const seen = before && personOf(before.state)
  if (seen === undefined && wanted.federation !== null)
    return cannot(
      'federated',
      'The account comes from a user federation, which makes it anew at the next login or synchronisation. Restore it after that.',
    )
  const outcome = await outcomeOf(work, change)
  const { person } = outcome
  const right = await missingRight(work, seen, person)
  if (right !== undefined) return cannot('right-missing', rightReason(right))
  const missing = await missingReferences(work, referencesOf(work, seen, person))
  if (missing.length > 0) return cannot('reference-missing', missingReason(missing))
  const occupied = await occupiedBy(work, seen, person, after)
  if (occupied !== undefined) return cannot('occupied', occupied)
  const privileged = await grantsPrivilege(work, seen, person)
  if (privileged && !work.options.privileged) return cannot('privileged', NEEDS_PRIVILEGED)
  const keptLost = await lostOfKept(work, change)
  return will(bodyOf(person), {
    keeps: before === undefined ? keptLost.length === 0 : isSame(before.kept, after.kept),
    lost: [...outcome.lost, ...keptLost],
    needsPerson: outcome.needsPerson,
    privileged,
  })
}

/** Only what it does not have already: what is there, is. */
function referencesOf(
  { rights }: Work,
  seen: PersonState | undefined,
  person: PersonState,
): Parameters<typeof missingReferences>[1] {
  const groups = new Set((seen?.groups ?? []).map((path) => JSON.stringify(path)))
  const consents = Object.entries(person.consents).filter(([clientId]) => seen?.consents[clientId] === undefined)
  return {
    groups: person.groups.filter((path) => !groups.has(JSON.stringify(path))),
    realmRoles: person.realmRoles,
    clientRoles: person.clientRoles,
    providers: Object.keys(person.federatedIdentities).filter(
      (alias) => seen?.federatedIdentities[alias] === undefined,
    ),
    clients: consents.map(([clientId]) => clientId),
    scopes: consents.flatMap(([, scopes]) => scopes),
    organizations: rights.organizations === 'open' ? Object.keys(person.organizations ?? {}) : [],
  }
}

/** Is there another account with this id or address? Then an import, or giving this one the address, would be refused. */
async function occupiedBy(
  { client, target, signal }: Work,
  seen: PersonState | undefined,
  { email }: PersonState,
  { kept }: Wanted,
): Promise<string | undefined> {
  const { id } = keptOf(kept)
  const [holder, holders] = await Promise.all([
    seen === undefined && id !== undefined
      ? client.find(
          { right: 'view-users', schema: userSchema, request: (admin) => admin.users.findOne({ id }) },
          signal,
        )
      : undefined,
    email !== null && email !== seen?.email
      ? client.read(
          {
            right: 'view-users',
            schema: usersSchema,
            request: (admin) => admin.users.find({ email, exact: true, first: 0, max: 1 }),
          },
          signal,
        )
      : [],
  ])
  if (holder !== undefined)
    return 'The account is there under another username: give it the old one back, and plan again.'
  if (holders.length === 0) return undefined
  const { duplicateEmailsAllowed } = await target.realm(signal)
  return duplicateEmailsAllowed === true
    ? undefined
    : 'Another account has this e-mail address: change it there, and plan again.'
}

/** What of `kept` does not come back: of an existing account nothing, dates of consents never, and some not without an import. */
async function lostOfKept(
  work: Work,
  { before, after }: Change & { readonly after: Wanted },
): Promise<readonly Lost[]> {
  const then = keptOf(after.kept)
  const lost: Lost[] = []
  if (before === undefined) {
    const way = await wayToMake(work)
    const keepsId = way === 'import' && (await work.target.profile(work.signal)) !== undefined
    if (then.id !== undefined && !keepsId)
      lost.push({
        field: 'id',
        reason:
          way === 'import'
            ? 'This version of Keycloak gives a new id to who is made anew.'
            : 'Without the right manage-realm an account gets a new id.',
      })
    if (way === 'post' && (then.notBefore ?? 0) !== 0)
      lost.push({ field: 'notBefore', reason: 'Without the right manage-realm it cannot be set.' })
    if (after.kept['consentDates'] !== undefined)
      lost.push({ field: 'consentDates', reason: 'Keycloak dates a consent anew.' })
    return lost
  }
  const now = keptOf(before.kept)
  if (then.id !== undefined && now.id !== then.id)
    lost.push({ field: 'id', reason: 'The account was made anew since, and keeps its new id.' })
  if (then.createdTimestamp !== undefined && now.createdTimestamp !== then.createdTimestamp)
    lost.push({ field: 'createdTimestamp', reason: 'The date of an account that is there cannot be changed.' })
  if ((now.notBefore ?? 0) !== (then.notBefore ?? 0))
    lost.push({ field: 'notBefore', reason: 'It cannot be set for an account that is there.' })
  return lost
}

/** With ids of credentials; without them where another account has them. */
async function make(work: Work, person: PersonState, wanted: Wanted): Promise<void> {
  const way = await wayToMake(work)
  const once = async (withCredentialIds: boolean): Promise<Sent> => {
    const record = await importRecord(person, wanted, { withCredentialIds })
    return await send(
      work.client,
      way === 'import'
        ? {
            ...{ method: 'POST', path: ['partialImport'], right: 'manage-realm', once: true },
            body: { ifResourceExists: 'FAIL', users: [record] },
          }
        : { ...{ method: 'POST', path: ['users'], right: 'manage-users', once: true }, body: lockedRecord(record) },
      work.signal,
    )
  }
  let sent = await once(true)
  if (sent === 'conflict') sent = await once(false)
  if (sent !== 'done') throw notTaken(sent)
}

/** Brings a person who is there to what is wanted. */
async function finish(work: Work, change: Change, person: PersonState, live: Resource): Promise<void> {
  if (change.after === undefined) return
  const { id } = keptOf(live.kept ?? {})
  if (id === undefined) throw notTaken('missing')
  await updatePerson(work, {
    id,
    live: personOf(live.state),
    kept: keptOf(live.kept ?? {}),
    person,
    wanted: change.after,
  })
}

/** The right that our token lacks for this, by name. */
async function missingRight(
  work: Work,
  seen: PersonState | undefined,
  person: PersonState,
): Promise<string | undefined> {
  const isImport = seen === undefined && (await wayToMake(work)) === 'import'
  if (!isImport && !(await mayWrite(work, 'manage-users'))) return 'manage-users'
  // An import gives what we do not have, too.
  if (!isImport && !(await mayGive(work, seen?.clientRoles, person.clientRoles))) return 'realm-admin'
  const [member, shall] = [seen, person].map((one) => Object.keys(one?.organizations ?? {}).sort())
  if (isSame(member, shall)) return undefined
  const right = await organizationsRight(work)
  return (await mayWrite(work, right)) ? undefined : right
}

async function remove(work: Work, before: PersonState | undefined, live: Resource | undefined): Promise<Applied> {
  if (live === undefined) return { kind: 'already', complete: false }
  if (before === undefined) return { kind: 'conflict', fields: [] }
  // One that is taken back may not be whole.
  const made = await asMade(work, await wayToMake(work), before)
  const strange = strangeOf(live.state, bodyOf(made), bodyOf(before))
  if (strange.length > 0) return { kind: 'conflict', fields: strange }
  const { id } = keptOf(live.kept ?? {})
  if (id === undefined) throw notTaken('missing')
  await sendWell(work.client, { method: 'DELETE', path: ['users', id], right: 'manage-users' }, work.signal).catch(
    async (error: unknown) => {
      // A delete that was heard twice.
      if ((await work.read(live.key)) !== undefined) throw error
    },
  )
  return { kind: 'applied', complete: false }
}
