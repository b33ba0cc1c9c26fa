import { eachOf, type AdminRest } from '../servers/admin-rest.ts'
import { REALM, type Building } from './building.ts'
import { findGroup } from './groups.ts'
import type { SeededUser, UserRecord } from './users.ts'

/** The chunk size and width at which partialImport is fastest (keycloak.md §4.4); larger chunks cost the square of their size. */
const CHUNK = 20
const WIDTH = 8

/** Makes the named people, as exactly as their records say. */
export async function buildUsers(building: Building, users: readonly SeededUser[]): Promise<void> {
  const { rest } = building
  const imported = users.filter(({ by }) => by === 'import')
  await importUsers(
    rest,
    imported.map(({ record }) => record),
  )
  for (const { record } of users.filter(({ by }) => by === 'post')) {
    // POST refuses nothing of these and ignores them; groups and the default role are joined by itself.
    const { id: _id, realmRoles: _realm, clientRoles: _client, groups: _groups, ...accepted } = record
    await rest.post(`/${REALM}/users`, accepted)
  }
  for (const { record, groups } of imported) {
    for (const path of groups.filter((names) => names.some((name) => name.includes('/')))) {
      await rest.put(`/${REALM}/users/${record.id}/groups/${await findGroup(rest, path)}`)
    }
  }
}

/** Imports any number of records; throws when one was not added. */
export async function importUsers(rest: AdminRest, records: readonly UserRecord[]): Promise<void> {
  const chunks = Array.from({ length: Math.ceil(records.length / CHUNK) }, (_, index) =>
    records.slice(index * CHUNK, (index + 1) * CHUNK),
  )
  await eachOf(chunks, WIDTH, async (users) => {
    const answer = await rest.post<{ added: number }>(`/${REALM}/partialImport`, { ifResourceExists: 'FAIL', users })
    if (answer.added !== users.length) throw new Error(`partialImport added ${answer.added} of ${users.length} people.`)
  })
}
