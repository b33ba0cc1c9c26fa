/** Identity providers with their mappers. Versions differ in which members without a meaning they write: all are written here. */
import { identityProvidersSchema, mapperListSchema } from '../answers.ts'
import { cleanObject } from '../clean-json.ts'
import { readPages } from '../pages.ts'
import { mappersByName } from './mappers.ts'
import type { SharedKind } from './shared-kind.ts'

/** The organization's own resource names its providers; `types` is what the provider's code can do. */
const LEFT_OUT: ReadonlySet<string> = new Set([
  'internalId',
  'alias',
  'organizationId',
  'types',
  'updateProfileFirstLoginMode',
])
/** What 26.7 leaves out and 26.3 and older write as false. */
const SWITCHES = {
  ...{ enabled: false, trustEmail: false, storeToken: false, addReadTokenRoleOnCreate: false },
  ...{ authenticateByDefault: false, linkOnly: false, hideOnLogin: false },
} as const

export const identityProviderKind: SharedKind = {
  kind: 'identity-provider',
  async read(reader) {
    const providers = await readPages({
      page: (first, max) =>
        reader.ask({
          right: 'view-identity-providers',
          schema: identityProvidersSchema,
          request: (admin) => admin.identityProviders.find({ first, max }),
        }),
      identity: ({ alias }) => alias,
    })
    return Promise.all(
      providers
        .filter(({ alias }) => reader.wants([alias]))
        .map(async (provider) => {
          const { alias } = provider
          const mappers = await reader.ask({
            right: 'view-identity-providers',
            schema: mapperListSchema,
            request: (admin) => admin.identityProviders.findMappers({ alias }),
          })
          return {
            segments: [alias],
            body: {
              config: {},
              ...SWITCHES,
              ...cleanObject(provider, { drop: LEFT_OUT }),
              mappers: mappersByName(mappers),
            },
          }
        }),
    )
  },
}
