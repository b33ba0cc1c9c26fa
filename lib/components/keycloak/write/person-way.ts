/**
 * How somebody who is not there is made. An import keeps everything; without the right to import, an account is made and then corrected, which loses what only an import can write.
 * Until it is whole the second is locked, so that nobody logs in with what every new account is given.
 */
import { isSame } from './between.ts'
import { withoutLate } from './person-record.ts'
import type { Right } from '../right.ts'
import type { PersonState } from './person-state.ts'
import type { Lost, Work } from './work.ts'

export type Way = 'import' | 'post'

/** An import, unless our token says that we may not. */
export async function wayToMake(work: Work): Promise<Way> {
  return (await mayWrite(work, 'manage-realm')) ? 'import' : 'post'
}

/** As the token says it; one that names no roles is tried. */
export async function mayWrite({ client }: Work, role: string): Promise<boolean> {
  const roles = await client.token.roles()
  return roles === undefined || roles.includes(role) || roles.includes('realm-admin')
}

/** The right to change who is in an organization; before 26.7 there is none of its own. */
export async function organizationsRight({ target, signal }: Work): Promise<Right> {
  const known = await target.clientRoles('realm-management', signal)
  return known.has('manage-organizations') ? 'manage-organizations' : 'manage-realm'
}

/** As the account stands right after it was made, before what makes it whole. */
export async function asMade({ target, signal }: Work, way: Way, person: PersonState): Promise<PersonState> {
  if (way === 'import') return withoutLate(person)
  const { realm, defaultRole } = await target.realm(signal)
  return {
    ...withoutLate(person),
    enabled: false,
    groups: await target.defaultGroups(signal),
    realmRoles: [defaultRole?.name ?? `default-roles-${realm}`],
    clientRoles: {},
    consents: {},
  }
}

/** From here on an attribute without a value is shown. Before, back to the first version with a user profile, it is kept when it comes by an import, and shown to nobody. Seen on 24.0.5, 26.3.4, 26.7.4. */
const SHOWS_EMPTY = [26, 5] as const

/** Attributes whose values are all empty: an import writes them, and some versions show none of them afterwards. */
export async function keepShownValues(
  { target, signal }: Work,
  person: { attributes: PersonState['attributes'] },
  lost: Lost[],
): Promise<void> {
  const isHidden = (values: readonly string[]): boolean => values.every((value) => value.trim() === '')
  if (!Object.values(person.attributes).some(isHidden) || (await target.profile(signal)) === undefined) return
  // Whoever may import is told the version by all but 26.4, which hides.
  const [major, minor] = (await target.version(signal)) ?? [0, 0]
  if (major > SHOWS_EMPTY[0] || (major === SHOWS_EMPTY[0] && minor >= SHOWS_EMPTY[1])) return
  const shown: Record<string, string[]> = {}
  for (const [name, values] of Object.entries(person.attributes)) {
    if (!isHidden(values)) shown[name] = values
    else
      lost.push({
        field: `attributes.${name}`,
        reason: 'This version of Keycloak keeps an attribute without a value, and shows it to nobody.',
      })
  }
  person.attributes = shown
}

/** Attributes without a value, and actions that are not known here: an import keeps them, every other way drops them, unless they are there as they are. */
export async function keepWritable(
  { target, signal }: Work,
  person: { attributes: PersonState['attributes']; requiredActions: PersonState['requiredActions'] },
  live: Pick<PersonState, 'attributes' | 'requiredActions'> | undefined,
  lost: Lost[],
): Promise<void> {
  const attributes: Record<string, string[]> = {}
  const dropsEmpty = (await target.profile(signal)) !== undefined
  for (const [name, values] of Object.entries(person.attributes)) {
    const full = values.filter((value) => value.trim() !== '')
    if (!dropsEmpty || full.length === values.length || isSame(live?.attributes[name], values))
      attributes[name] = values
    else {
      if (full.length > 0) attributes[name] = full
      lost.push({
        field: `attributes.${name}`,
        reason: 'Keycloak keeps no empty value but in an account that it imports.',
      })
    }
  }
  person.attributes = attributes
  const known = await target.requiredActions(signal)
  if (known === undefined) return
  const strange = (name: string): boolean => !known.has(name)
  const [has, wants] = [live?.requiredActions ?? [], person.requiredActions]
  for (const name of wants.filter(strange))
    if (!has.includes(name)) lost.push({ field: 'requiredActions', reason: `This Keycloak does not know ${name}.` })
  for (const name of has.filter(strange))
    if (!wants.includes(name))
      lost.push({ field: 'requiredActions', reason: `Keycloak takes ${name} from nobody: it does not know it.` })
  person.requiredActions = [...new Set([...wants.filter((name) => !strange(name)), ...has.filter(strange)])].sort()
}
