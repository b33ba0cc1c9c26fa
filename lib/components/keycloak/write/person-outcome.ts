/**
 * What becomes of a person here: the wanted state, less what this target cannot hold and what the backup does not cover. Forecast and writing both go by it, so what is
 * foreseen is what is written.
 */
import type { Change, Wanted } from '../../../resources/change.ts'
import { isSame } from './between.ts'
import { bodyOf, describeCredentials, isSameCredential, orderedCredentials, personOf } from './person-state.ts'
import type { CredentialState, PersonState } from './person-state.ts'
import { rolesOfGroups, roleName } from './group-roles.ts'
import { keepShownValues, keepWritable, wayToMake } from './person-way.ts'
import type { Lost, Work } from './work.ts'

export interface Outcome {
  readonly person: PersonState
  readonly lost: readonly Lost[]
  readonly needsPerson: readonly string[]
}

type Draft = { -readonly [Name in keyof PersonState]: PersonState[Name] }
interface Notes {
  readonly lost: Lost[]
  readonly needsPerson: string[]
}

export async function outcomeOf(work: Work, change: Change & { readonly after: Wanted }): Promise<Outcome> {
  const before = change.before && personOf(change.before.state)
  const person: Draft = { ...personOf(change.after.state) }
  const notes: Notes = { lost: [], needsPerson: [] }
  const way = before === undefined ? await wayToMake(work) : undefined
  await keepShownAttributes(work, person, notes)
  if (way === 'import') await keepShownValues(work, person, notes.lost)
  const asks = await asksForConsent(work)
  keepPossibleConsents(before, person, notes, {
    areShown: (clientId) => asks || work.expected.changes('client', [clientId]),
    canGive: way === 'import',
  })
  keepPossibleOrganizations(work, before, person, notes)
  await keepKnownCredentials(work, change, before, person, notes)
  await keepOwnRoles(work, before, person, notes)
  if (way !== 'import') await keepWritable(work, person, before, notes.lost)
  if (before !== undefined && before.federation !== person.federation) {
    person.federation = before.federation
    notes.lost.push({ field: 'federation', reason: 'Whether an account comes from a federation cannot be changed.' })
  }
  return { person: personOf(bodyOf(person)), ...notes }
}

/** An attribute that the user profile does not declare is kept by Keycloak, and shown to nobody, while its policy is off. */
async function keepShownAttributes(work: Work, person: Draft, { lost }: Notes): Promise<void> {
  const names = Object.keys(person.attributes)
  if (names.length === 0) return
  const profile = await work.target.profile(work.signal)
  if (profile === undefined || profile.showsAll) return
  // Comes back before: whom the backup saw with an attribute, it shows with it.
  if (work.expected.changes('user-profile')) return
  const { declared } = profile
  const hidden = names.filter((name) => !declared.has(name))
  for (const name of hidden)
    lost.push({
      field: `attributes.${name}`,
      reason: 'The user profile here does not declare it, and hides what it does not.',
    })
  person.attributes = without(person.attributes, hidden)
}

async function asksForConsent({ target, signal }: Work): Promise<boolean> {
  return [...(await target.clients(signal)).values()].some(({ consentRequired }) => consentRequired === true)
}

/** Before 24 nobody is given a role that one of the person's groups gives already, and Keycloak does not say so. */
async function keepOwnRoles(
  work: Work,
  before: PersonState | undefined,
  person: Draft,
  { lost }: Notes,
): Promise<void> {
  if ((await work.target.profile(work.signal)) !== undefined) return
  const inherited = await rolesOfGroups(work, person.groups)
  const keep = (names: readonly string[], had: readonly string[], of: string, field: string): string[] =>
    names.filter((name) => {
      const stays = had.includes(name) || !inherited.has(roleName(of, name))
      if (!stays) lost.push({ field, reason: `This Keycloak gives nobody ${name} beside a group that has it.` })
      return stays
    })
  person.realmRoles = keep(person.realmRoles, before?.realmRoles ?? [], '', 'realmRoles')
  person.clientRoles = Object.fromEntries(
    Object.entries(person.clientRoles)
      .map(([client, names]) => {
        const had = before?.clientRoles[client] ?? []
        return [client, keep(names, had, client, `clientRoles.${client}`)] as const
      })
      .filter(([, names]) => names.length > 0),
  )
}

/** Consents come with a new account only; of an existing one they can be taken back, not given. */
function keepPossibleConsents(
  before: PersonState | undefined,
  person: Draft,
  { lost }: Notes,
  { areShown, canGive }: { readonly areShown: (clientId: string) => boolean; readonly canGive: boolean },
): void {
  const consents: Record<string, string[]> = {}
  for (const [clientId, scopes] of Object.entries(person.consents)) {
    const field = `consents.${clientId}`
    const live = before?.consents[clientId]
    if (!areShown(clientId)) lost.push({ field, reason: 'No client here asks for consent.' })
    else if (canGive || isSame(live, scopes)) consents[clientId] = scopes
    else {
      lost.push({
        field,
        reason:
          before === undefined
            ? `Without the right manage-realm a consent cannot be restored.`
            : 'Nobody but the person can give a consent to an account that is there.',
      })
      if (live !== undefined) consents[clientId] = live
    }
  }
  person.consents = consents
}

function keepPossibleOrganizations(
  { rights }: Work,
  before: PersonState | undefined,
  person: Draft,
  { lost }: Notes,
): void {
  const wanted = person.organizations
  if (rights.organizations === 'open') {
    // A backup that could not see them says nothing about them.
    if (wanted === undefined) person.organizations = before?.organizations ?? {}
    else {
      const memberships = Object.entries(wanted).map(([alias, { membership }]) => {
        const live = before?.organizations?.[alias]
        if (membership !== 'MANAGED' || live?.membership === 'MANAGED') return [alias, live ?? { membership }] as const
        lost.push({
          field: `organizations.${alias}`,
          reason: 'A membership that an organization manages comes back as one that it does not.',
        })
        return [alias, { membership: 'UNMANAGED' }] as const
      })
      // To leave such an organization is to be deleted.
      const managed = Object.entries(before?.organizations ?? {}).filter(
        ([alias, { membership }]) => membership === 'MANAGED' && wanted[alias] === undefined,
      )
      for (const [alias] of managed)
        lost.push({
          field: `organizations.${alias}`,
          reason: 'Who leaves an organization that manages the account is deleted by it.',
        })
      person.organizations = Object.fromEntries([...memberships, ...managed])
    }
    return
  }
  for (const alias of Object.keys(wanted ?? {}))
    lost.push({
      field: `organizations.${alias}`,
      reason:
        rights.organizations === 'off'
          ? 'The realm here has no organizations.'
          : 'Our credentials may not see organizations here.',
    })
  if (rights.organizations === 'off') person.organizations = {}
  else delete person.organizations
}

/** Those with a hash that this target can check, and those that are there as they are. */
async function keepKnownCredentials(
  work: Work,
  { after }: Change & { readonly after: Wanted },
  before: PersonState | undefined,
  person: Draft,
  { lost, needsPerson }: Notes,
): Promise<void> {
  if (person.credentials === undefined) {
    if (before?.credentials !== undefined) person.credentials = before.credentials
    else if (before === undefined) {
      person.credentials = {}
      lost.push({ field: 'credentials', reason: 'The backup does not know with what this person logs in.' })
      mustChoosePassword(person, needsPerson)
    }
    return
  }
  const hashing = await work.target.hashing(work.signal)
  const live = orderedCredentials(before?.credentials).map(({ credential }) => credential)
  const kept: CredentialState[] = []
  for (const { name, credential } of orderedCredentials(person.credentials)) {
    if (live.some((one) => isSameCredential(one, credential))) {
      kept.push(credential)
      continue
    }
    const reason = whyNot(credential, after.secrets[name] !== undefined, hashing)
    if (reason === undefined) {
      kept.push(credential)
      continue
    }
    lost.push({ field: `credentials.${name}`, reason })
    const present = live.filter(({ type }) => type === credential.type)
    if (present.length > 0) kept.push(...present.filter((one) => !kept.includes(one)))
    else if (credential.type === 'password') mustChoosePassword(person, needsPerson)
    else if (credential.type === 'otp') {
      needsPerson.push('Set up the one-time-code device again at the next login.')
      person.requiredActions = sorted([...person.requiredActions, 'CONFIGURE_TOTP'])
    } else needsPerson.push(`Set up again what the backup does not cover: a credential of the type ${credential.type}.`)
  }
  person.credentials = describeCredentials(kept)
}

function mustChoosePassword(person: Draft, needsPerson: string[]): void {
  person.requiredActions = sorted([...person.requiredActions, 'UPDATE_PASSWORD'])
  needsPerson.push('Get a new password from an administrator, and change it at the next login.')
}

function whyNot(
  { type, data }: CredentialState,
  hasSecret: boolean,
  hashing: ReadonlySet<string> | undefined,
): string | undefined {
  if (!hasSecret) return 'The backup does not cover its hash.'
  if (type !== 'password' || hashing === undefined) return undefined
  const algorithm = algorithmOf(data)
  if (algorithm === undefined || hashing.has(algorithm)) return undefined
  return `This version of Keycloak cannot check a hash of ${algorithm}.`
}

function algorithmOf(data: string | null): string | undefined {
  try {
    const { algorithm } = JSON.parse(data ?? '{}') as { algorithm?: unknown }
    return typeof algorithm === 'string' ? algorithm : undefined
  } catch {
    return undefined // what an unknown provider of passwords keeps is its own
  }
}

function sorted(names: readonly string[]): string[] {
  return [...new Set(names)].sort((a, b) => (a < b ? -1 : 1))
}

function without<T>(members: Readonly<Record<string, T>>, names: readonly string[]): Record<string, T> {
  return Object.fromEntries(Object.entries(members).filter(([name]) => !names.includes(name)))
}
