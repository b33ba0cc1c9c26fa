/** A folder as `kc.sh export --users different_files` writes it: everything in clear, which the REST interface never shows. */
import { createWriteStream } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { once } from 'node:events'
import { join } from 'node:path'
import type { DemoGroup, DemoRealm, DemoUser } from './realm.ts'

const USERS_PER_FILE = 500

export async function writeExportFolder(realm: DemoRealm, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  const { name } = realm
  await write(join(folder, `${name}-realm.json`), [
    JSON.stringify({ id: realm.id, realm: name, ...realm.settings, users: [] }, undefined, 2),
  ])
  const people = [...realm.serviceAccounts.values(), ...realm.users]
  for (let at = 0, file = 0; at < people.length; at += USERS_PER_FILE, file++) {
    const records = people.slice(at, at + USERS_PER_FILE).map((user) => record(realm, user))
    await write(join(folder, `${name}-users-${file}.json`), [
      `{\n  "realm" : ${JSON.stringify(name)},\n  "users" : [ `,
      records.join(', '),
      ' ]\n}',
    ])
  }
}

function record(realm: DemoRealm, user: DemoUser): string {
  const { consents, organizations: _, serviceAccountOf, ...rest } = user
  return JSON.stringify(
    {
      ...rest,
      groups: user.groups.map((id) => realm.pathOf(realm.groups.get(id) as DemoGroup)),
      clientConsents: Object.entries(consents).map(([clientId, grantedClientScopes]) => ({
        clientId,
        grantedClientScopes,
      })),
      ...(serviceAccountOf === undefined ? {} : { serviceAccountClientId: serviceAccountOf }),
    },
    undefined,
    2,
  )
}

async function write(path: string, parts: readonly string[]): Promise<void> {
  const file = createWriteStream(path, { mode: 0o600 })
  for (const part of parts) if (!file.write(part)) await once(file, 'drain')
  file.end()
  await once(file, 'close')
}
