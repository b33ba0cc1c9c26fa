/** Client scopes with their mappers, their roles, and whether new clients get them. */
import * as z from 'zod'
import { clientScopesSchema } from '../answers.ts'
import { cleanObject, withoutEmptyTexts } from '../clean-json.ts'
import { mappersByName } from './mappers.ts'
import { readRoleScope } from './role-scope.ts'
import type { SharedKind } from './shared-kind.ts'

const LEFT_OUT: ReadonlySet<string> = new Set(['id', 'name', 'protocolMappers'])
const TEXTS: ReadonlySet<string> = new Set(['description'])
const namedSchema = z.array(z.looseObject({ name: z.string() }))

export const clientScopeKind: SharedKind = {
  kind: 'client-scope',
  async read(reader) {
    const [scopes, always, onRequest] = await Promise.all([
      reader.ask({ right: 'view-clients', schema: clientScopesSchema, request: (admin) => admin.clientScopes.find() }),
      reader.ask({
        right: 'view-clients',
        schema: namedSchema,
        request: (admin) => admin.clientScopes.listDefaultClientScopes(),
      }),
      reader.ask({
        right: 'view-clients',
        schema: namedSchema,
        request: (admin) => admin.clientScopes.listDefaultOptionalClientScopes(),
      }),
    ])
    const [defaults, optionals] = [new Set(always.map(({ name }) => name)), new Set(onRequest.map(({ name }) => name))]
    return Promise.all(
      scopes
        .filter(({ name }) => reader.wants([name]))
        .map(async (scope) => ({
          segments: [scope.name],
          body: {
            attributes: {},
            ...withoutEmptyTexts(cleanObject(scope, { drop: LEFT_OUT }), TEXTS),
            mappers: mappersByName(scope.protocolMappers),
            newClients: defaults.has(scope.name) ? 'default' : optionals.has(scope.name) ? 'optional' : 'none',
            roleScope: await readRoleScope(reader, 'client-scope', scope.id),
          },
          kept: { id: scope.id },
        })),
    )
  },
}
