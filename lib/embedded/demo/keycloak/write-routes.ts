/** Which write does what. Paths stand behind `/admin/realms/nebari`. */
import { missing } from './asking.ts'
import { importUsers } from './import-users.ts'
import {
  createUser,
  joinGroup,
  leaveGroup,
  link,
  logOut,
  mapClientRoles,
  mapRealmRoles,
  moveCredential,
  removeCredential,
  removeUser,
  resetPassword,
  revokeConsent,
  unlink,
  updateUser,
} from './writes-people.ts'
import { joinOrganization, leaveOrganization } from './writes-organizations.ts'
import { sharedWrites } from './write-routes-shared.ts'
import type { Method, Write, Writing, Written } from './writing.ts'

const routes: readonly (readonly [method: Method, pattern: string, write: Write])[] = [
  ['POST', 'partialImport', importUsers],
  ['POST', 'users', createUser],
  ['PUT', 'users/*', (writing, id) => updateUser(writing, id)],
  ['DELETE', 'users/*', (writing, id) => removeUser(writing, id)],
  ['PUT', 'users/*/groups/*', (writing, id, group) => joinGroup(writing, id, group)],
  ['DELETE', 'users/*/groups/*', (writing, id, group) => leaveGroup(writing, id, group)],
  ['POST', 'users/*/role-mappings/realm', (writing, id) => mapRealmRoles(writing, id, 'give')],
  ['DELETE', 'users/*/role-mappings/realm', (writing, id) => mapRealmRoles(writing, id, 'take')],
  ['POST', 'users/*/role-mappings/clients/*', (writing, id, client) => mapClientRoles(writing, id, client, 'give')],
  ['DELETE', 'users/*/role-mappings/clients/*', (writing, id, client) => mapClientRoles(writing, id, client, 'take')],
  ['POST', 'users/*/federated-identity/*', (writing, id, alias) => link(writing, id, alias)],
  ['DELETE', 'users/*/federated-identity/*', (writing, id, alias) => unlink(writing, id, alias)],
  ['DELETE', 'users/*/consents/*', (writing, id, client) => revokeConsent(writing, id, client)],
  ['PUT', 'users/*/reset-password', (writing, id) => resetPassword(writing, id)],
  ['POST', 'users/*/logout', (writing, id) => logOut(writing, id)],
  ['DELETE', 'users/*/credentials/*', (writing, id, credential) => removeCredential(writing, id, credential)],
  [
    'POST',
    'users/*/credentials/*/moveToFirst',
    (writing, id, credential) => moveCredential(writing, id, credential, undefined),
  ],
  [
    'POST',
    'users/*/credentials/*/moveAfter/*',
    (writing, id, credential, other) => moveCredential(writing, id, credential, other),
  ],
  ['POST', 'organizations/*/members', (writing, id) => joinOrganization(writing, id)],
  ['DELETE', 'organizations/*/members/*', (writing, id, user) => leaveOrganization(writing, id, user)],
  ...sharedWrites,
]

const byLength = Map.groupBy(
  routes.map(([method, pattern, write]) => ({ method, words: pattern.split('/'), write })),
  ({ words }) => words.length,
)

/** Does it. @throws Refusal: then nothing was changed. */
export function write(writing: Writing, method: string, path: string): Written {
  const segments = path.split('/').map((segment) => decodeURIComponent(segment))
  for (const route of byLength.get(segments.length) ?? []) {
    if (route.method === method && route.words.every((word, at) => word === '*' || word === segments[at]))
      return route.write(writing, ...segments.filter((_, at) => route.words[at] === '*'))
  }
  throw missing('Unable to find matching target resource method')
}
