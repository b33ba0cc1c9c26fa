/** Which call gets which answer. Paths stand behind `/admin/realms/nebari`. */
import { fixedId } from './fixed-id.ts'
import {
  compositesOf,
  clientOf,
  clientSecret,
  defaultGroups,
  listChildren,
  listClients,
  oneClient,
  listGroups,
} from './answers-realm.ts'
import { listOrganizations, listRoles, needOrganizations, serviceAccountOf, theRealm } from './answers-realm.ts'
import {
  consentsOf,
  countUsers,
  credentialsOf,
  groupsOf,
  listUsers,
  oneUser,
  roleMappingsOf,
  seen,
} from './answers-people.ts'
import { defaultScopes, listScopes, scopeOf, shownRoles } from './answers-scopes.ts'
import { listComponents, listProviders, mappersOf, oneProvider } from './settings/demo-federation.ts'
import { configOf, executionsOf, listFlows, oneFlow } from './settings/demo-flows.ts'
import {
  clientPolicies,
  clientProfiles,
  listActions,
  listLocales,
  textsOf,
  unregisteredActions,
  userProfile,
} from './settings/demo-settings.ts'
import { Refusal, missing, need } from './asking.ts'
import type { Asking } from './asking.ts'

type Answer = (asking: Asking, ...segments: readonly string[]) => unknown

const routes: readonly (readonly [pattern: string, answer: Answer])[] = [
  ['', theRealm],
  ['users', listUsers],
  ['users/count', countUsers],
  ['users/profile', userProfile],
  ['users/*', (asking, id) => oneUser(asking, id)],
  ['users/*/groups', (asking, id) => groupsOf(asking, id)],
  ['users/*/role-mappings', (asking, id) => roleMappingsOf(asking, id)],
  ['users/*/consents', (asking, id) => consentsOf(asking, id)],
  ['users/*/credentials', (asking, id) => credentialsOf(asking, id)],
  ['groups', listGroups],
  ['groups/count', (asking) => (need(asking, 'view-users', 'query-groups'), { count: asking.realm.groups.size })],
  ['groups/*/children', (asking, id) => childrenOrNot(asking, id)],
  ['default-groups', defaultGroups],
  ['roles', (asking) => listRoles(asking, undefined)],
  ['roles-by-id/*/composites', (asking, id) => compositesOf(asking, id)],
  ['clients', listClients],
  ['clients/*/roles', (asking, id) => listRoles(asking, clientOf(asking, id).clientId)],
  ['clients/*/roles/*', (asking, id, name) => oneRole(asking, id, name)],
  ['clients/*/client-secret', (asking, id) => clientSecret(asking, id)],
  ['clients/*/service-account-user', (asking, id) => serviceAccountOf(asking, id)],
  ['clients/*', (asking, id) => oneClient(asking, id)],
  ['clients/*/scope-mappings', (asking, id) => shownRoles(asking, clientOf(asking, id).roleScope)],
  ['clients/*/protocol-mappers/models', (asking, id) => clientOf(asking, id).mappers],
  ['client-scopes', listScopes],
  ['client-scopes/*/scope-mappings', (asking, id) => shownRoles(asking, scopeOf(asking, id).roleScope)],
  ['client-scopes/*/protocol-mappers/models', (asking, id) => scopeOf(asking, id).mappers],
  ['default-default-client-scopes', (asking) => defaultScopes(asking, 'default')],
  ['default-optional-client-scopes', (asking) => defaultScopes(asking, 'optional')],
  ['authentication/flows', listFlows],
  ['authentication/flows/*/executions', (asking, alias) => executionsOf(asking, alias)],
  ['authentication/config/*', (asking, id) => configOf(asking, id)],
  ['authentication/flows/*', (asking, id) => oneFlow(asking, id)],
  ['authentication/required-actions', listActions],
  ['authentication/unregistered-required-actions', unregisteredActions],
  ['identity-provider/instances', listProviders],
  ['identity-provider/instances/*', (asking, alias) => oneProvider(asking, alias)],
  ['identity-provider/instances/*/mappers', (asking, alias) => mappersOf(asking, alias)],
  ['components', listComponents],
  ['organizations', listOrganizations],
  ['organizations/*/identity-providers', (asking) => (needOrganizations(asking), [])],
  ['organizations/members/*/organizations', (asking, id) => organizationsOf(asking, id)],
  [
    'organizations/*/members/*',
    (asking, _, id) => (needOrganizations(asking), { id: seen(asking, id).id, membershipType: 'UNMANAGED' }),
  ],
  ['client-policies/profiles', clientProfiles],
  ['client-policies/policies', clientPolicies],
  ['localization', listLocales],
  ['localization/*', (asking, locale) => textsOf(asking, locale)],
]

const byLength = Map.groupBy(
  routes.map(([pattern, answer]) => ({ words: pattern.split('/'), answer })),
  ({ words }) => words.length,
)

/** What the call answers; `undefined`: 204. @throws Refusal */
export function answerOf(asking: Asking, path: string): unknown {
  const segments = path.split('/').map((segment) => decodeURIComponent(segment))
  for (const { words, answer } of byLength.get(segments.length) ?? []) {
    if (words.every((word, at) => word === '*' || word === segments[at]))
      return answer(asking, ...segments.filter((_, at) => words[at] === '*'))
  }
  throw missing('Unable to find matching target resource method')
}

function childrenOrNot(asking: Asking, id: string): unknown {
  if (asking.quirks.nestedGroups)
    throw new Refusal(405, { error: 'RESTEASY003650: No resource method found for GET, return 405 with Allow header' })
  return listChildren(asking, id)
}

function oneRole(asking: Asking, id: string, name: string): object {
  const role = asking.realm.roles.get(fixedId(asking.realm.seed, 'role', clientOf(asking, id).clientId, name))
  if (role === undefined) throw missing('Could not find role')
  return { id: role.id, name }
}

function organizationsOf(asking: Asking, id: string): readonly object[] {
  needOrganizations(asking)
  return seen(asking, id).organizations.map((organization) => ({
    id: organization,
    name: asking.realm.organizations.get(organization)?.alias,
    alias: asking.realm.organizations.get(organization)?.alias,
  }))
}
