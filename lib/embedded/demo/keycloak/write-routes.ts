/** Which write does what. Paths stand behind `/admin/realms/nebari`. */
import { missing } from './asking.ts'
import {
  addComponent,
  addMapper,
  deleteComponent,
  deleteMapper,
  deleteProvider,
  importInto,
  updateComponent,
  updateMapper,
  updateProvider,
} from './settings/demo-federation.ts'
import {
  addConfig,
  addExecution,
  addInnerFlow,
  createFlow,
  deleteConfig,
  deleteExecution,
  deleteFlow,
  updateConfig,
  updateExecution,
  updateFlow,
} from './settings/demo-flows.ts'
import {
  deleteAction,
  deleteText,
  deleteTexts,
  putClientPolicies,
  putClientProfiles,
  putTexts,
  registerAction,
  updateAction,
  updateProfile,
  updateRealm,
} from './settings/demo-settings.ts'
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
  ['PUT', '', updateRealm],
  ['POST', 'partialImport', importInto],
  ['PUT', 'users/profile', updateProfile],
  ['POST', 'localization/*', (writing, locale) => putTexts(writing, locale)],
  ['DELETE', 'localization/*', (writing, locale) => deleteTexts(writing, locale)],
  ['DELETE', 'localization/*/*', (writing, locale, name) => deleteText(writing, locale, name)],
  ['POST', 'authentication/register-required-action', registerAction],
  ['PUT', 'authentication/required-actions/*', (writing, alias) => updateAction(writing, alias)],
  ['DELETE', 'authentication/required-actions/*', (writing, alias) => deleteAction(writing, alias)],
  ['POST', 'authentication/flows', createFlow],
  ['PUT', 'authentication/flows/*', (writing, id) => updateFlow(writing, id)],
  ['DELETE', 'authentication/flows/*', (writing, id) => deleteFlow(writing, id)],
  ['PUT', 'authentication/flows/*/executions', (writing, alias) => updateExecution(writing, alias)],
  ['POST', 'authentication/flows/*/executions/flow', (writing, alias) => addInnerFlow(writing, alias)],
  ['POST', 'authentication/executions', addExecution],
  ['DELETE', 'authentication/executions/*', (writing, id) => deleteExecution(writing, id)],
  ['POST', 'authentication/executions/*/config', (writing, id) => addConfig(writing, id)],
  ['PUT', 'authentication/config/*', (writing, id) => updateConfig(writing, id)],
  ['DELETE', 'authentication/config/*', (writing, id) => deleteConfig(writing, id)],
  ['PUT', 'client-policies/profiles', putClientProfiles],
  ['PUT', 'client-policies/policies', putClientPolicies],
  ['PUT', 'identity-provider/instances/*', (writing, alias) => updateProvider(writing, alias)],
  ['DELETE', 'identity-provider/instances/*', (writing, alias) => deleteProvider(writing, alias)],
  ['POST', 'identity-provider/instances/*/mappers', (writing, alias) => addMapper(writing, alias)],
  ['PUT', 'identity-provider/instances/*/mappers/*', (writing, alias, id) => updateMapper(writing, alias, id)],
  ['DELETE', 'identity-provider/instances/*/mappers/*', (writing, alias, id) => deleteMapper(writing, alias, id)],
  ['POST', 'components', addComponent],
  ['PUT', 'components/*', (writing, id) => updateComponent(writing, id)],
  ['DELETE', 'components/*', (writing, id) => deleteComponent(writing, id)],
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
