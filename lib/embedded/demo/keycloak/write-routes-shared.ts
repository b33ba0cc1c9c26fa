/** The writes about shared state: client scopes, clients, roles, groups. */
import { clientOf } from './answers-realm.ts'
import { scopeOf } from './answers-scopes.ts'
import { createClient, giveScope, removeClient, updateClient } from './writes-clients.ts'
import { createGroup, mapGroupRoles, removeGroup, setDefaultGroup, updateGroup } from './writes-groups.ts'
import { createRole, mapComposites, mapShownRoles, removeRole, updateRole } from './writes-roles.ts'
import {
  createMapper,
  createScope,
  giveToNewClients,
  removeMapper,
  removeScope,
  updateMapper,
  updateScope,
} from './writes-scopes.ts'
import type { Method, Write } from './writing.ts'

type Route = readonly [method: Method, pattern: string, write: Write]

const HOW = [
  ['POST', 'give'],
  ['DELETE', 'take'],
] as const
const WHETHER = [
  ['PUT', true],
  ['DELETE', false],
] as const

export const sharedWrites: readonly Route[] = [
  ['POST', 'client-scopes', (writing) => createScope(writing)],
  ['PUT', 'client-scopes/*', (writing, id) => updateScope(writing, id)],
  ['DELETE', 'client-scopes/*', (writing, id) => removeScope(writing, id)],
  ['POST', 'clients', (writing) => createClient(writing)],
  ['PUT', 'clients/*', (writing, id) => updateClient(writing, id)],
  ['DELETE', 'clients/*', (writing, id) => removeClient(writing, id)],
  ['POST', 'roles', (writing) => createRole(writing)],
  ['POST', 'clients/*/roles', (writing, id) => createRole(writing, id)],
  ['PUT', 'roles-by-id/*', (writing, id) => updateRole(writing, id)],
  ['DELETE', 'roles-by-id/*', (writing, id) => removeRole(writing, id)],
  ['POST', 'groups', (writing) => createGroup(writing)],
  ['POST', 'groups/*/children', (writing, id) => createGroup(writing, id)],
  ['PUT', 'groups/*', (writing, id) => updateGroup(writing, id)],
  ['DELETE', 'groups/*', (writing, id) => removeGroup(writing, id)],
  ...HOW.flatMap(([method, how]): readonly Route[] => [
    [method, 'roles-by-id/*/composites', (writing, id) => mapComposites(writing, id, how)],
    [method, 'groups/*/role-mappings/realm', (writing, id) => mapGroupRoles(writing, id, undefined, how)],
    [method, 'groups/*/role-mappings/clients/*', (writing, id, client) => mapGroupRoles(writing, id, client, how)],
    ...(['realm', 'clients/*'] as const).flatMap((what): readonly Route[] => [
      [method, `clients/*/scope-mappings/${what}`, (writing, id) => mapShownRoles(writing, clientOf(writing, id), how)],
      [
        method,
        `client-scopes/*/scope-mappings/${what}`,
        (writing, id) => mapShownRoles(writing, scopeOf(writing, id), how),
      ],
    ]),
  ]),
  ...WHETHER.flatMap(([method, isGiven]): readonly Route[] => [
    [method, 'default-groups/*', (writing, id) => setDefaultGroup(writing, id, isGiven)],
    [method, 'default-default-client-scopes/*', (writing, id) => giveToNewClients(writing, id, 'default', isGiven)],
    [method, 'default-optional-client-scopes/*', (writing, id) => giveToNewClients(writing, id, 'optional', isGiven)],
    [
      method,
      'clients/*/default-client-scopes/*',
      (writing, id, scope) => giveScope(writing, id, 'defaultScopes', scope, isGiven),
    ],
    [
      method,
      'clients/*/optional-client-scopes/*',
      (writing, id, scope) => giveScope(writing, id, 'optionalScopes', scope, isGiven),
    ],
  ]),
  ...(['clients', 'client-scopes'] as const).flatMap((of): readonly Route[] => {
    const place = `${of}/*/protocol-mappers/models`
    const find = of === 'clients' ? clientOf : scopeOf
    return [
      ['POST', place, (writing, id) => createMapper(writing, find(writing, id))],
      ['PUT', `${place}/*`, (writing, id, mapper) => updateMapper(writing, find(writing, id), mapper)],
      ['DELETE', `${place}/*`, (writing, id, mapper) => removeMapper(writing, find(writing, id), mapper)],
    ]
  }),
]
