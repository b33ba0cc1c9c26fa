/** Roles of a person, a service account or a group: those missing are given, those too many taken away, by the target's own ids. */
import type { Right } from '../right.ts'
import { MANAGEMENT } from './may-give.ts'
import { notTaken, sendWell } from './send.ts'
import type { Work } from './work.ts'

interface Roles {
  readonly realmRoles: readonly string[]
  readonly clientRoles: Readonly<Record<string, readonly string[]>>
}

/** `place`: `…/role-mappings`. Giving a role twice is giving it once, and so is taking it. */
export async function writeRoles(
  work: Work,
  place: readonly string[],
  right: Right,
  live: Roles,
  wanted: Roles,
): Promise<void> {
  const { client, target, signal } = work
  const change = async (
    path: readonly string[],
    known: ReadonlyMap<string, { readonly id: string; readonly name: string }>,
    has: readonly string[],
    wants: readonly string[],
    needed: Right,
  ): Promise<void> => {
    const described = (names: readonly string[]): readonly object[] =>
      names.map((name) => {
        const role = known.get(name)
        if (role === undefined) throw notTaken('missing')
        return { id: role.id, name }
      })
    const [more, less] = [wants.filter((name) => !has.includes(name)), has.filter((name) => !wants.includes(name))]
    if (more.length > 0) await sendWell(client, { method: 'POST', path, body: described(more), right: needed }, signal)
    if (less.length > 0)
      await sendWell(client, { method: 'DELETE', path, body: described(less), right: needed }, signal)
  }
  if (JSON.stringify(live.realmRoles) !== JSON.stringify(wanted.realmRoles))
    await change([...place, 'realm'], await target.realmRoles(signal), live.realmRoles, wanted.realmRoles, right)
  for (const clientId of new Set([...Object.keys(live.clientRoles), ...Object.keys(wanted.clientRoles)])) {
    const [has, wants] = [live.clientRoles[clientId] ?? [], wanted.clientRoles[clientId] ?? []]
    if (JSON.stringify(has) === JSON.stringify(wants)) continue
    const id = (await target.clients(signal)).get(clientId)?.id
    if (id === undefined) throw notTaken('missing')
    // Where a role only stands in a scope nobody is given it.
    const needed = clientId === MANAGEMENT && place.at(-1) === 'role-mappings' ? 'realm-admin' : right
    await change([...place, 'clients', id], await target.clientRoles(clientId, signal), has, wants, needed)
  }
}
