/**
 * What Keycloak answers, as far as we rely on it: members that are named here are checked, others pass through as they are. Everything may be missing that
 * some version between 15 and 26 leaves out.
 */
import * as z from 'zod'

const names = z.array(z.string())
const attributes = z.record(z.string(), names)
const rolesByClient = z.record(z.string(), names)
/** An id stands in addresses: never empty, never long. */
const id = z.string().min(1).max(255)
const optional = <T extends z.ZodType>(schema: T): z.ZodOptional<z.ZodNullable<T>> => schema.nullable().optional()

export const countSchema = z.int().nonnegative()
export const groupCountSchema = z.object({ count: z.int().nonnegative() })

export const serverInfoSchema = z.looseObject({
  systemInfo: optional(z.looseObject({ version: optional(z.string()) })),
})

export const realmSchema = z.looseObject({
  id,
  realm: z.string(),
  organizationsEnabled: optional(z.boolean()),
  smtpServer: optional(z.record(z.string(), z.unknown())),
  attributes: optional(z.record(z.string(), z.unknown())),
  defaultRole: optional(z.looseObject({ name: z.string() })),
})
export type RealmAnswer = z.infer<typeof realmSchema>

export const userSchema = z.looseObject({
  id,
  username: z.string().min(1),
  enabled: optional(z.boolean()),
  emailVerified: optional(z.boolean()),
  email: optional(z.string()),
  firstName: optional(z.string()),
  lastName: optional(z.string()),
  attributes: optional(attributes),
  requiredActions: optional(names),
  createdTimestamp: optional(z.number()),
  notBefore: optional(z.number()),
  federationLink: optional(z.string()),
  federatedIdentities: optional(
    z.array(
      z.looseObject({ identityProvider: z.string(), userId: optional(z.string()), userName: optional(z.string()) }),
    ),
  ),
})
export type UserAnswer = z.infer<typeof userSchema>
export const usersSchema = z.array(userSchema)
/** As little as a listing needs: 26.3 adds kilobytes to each. */
export const userBriefsSchema = z.array(
  z.looseObject({ id, username: z.string().min(1), enabled: optional(z.boolean()) }),
)

const roleSchema = z.looseObject({
  id,
  name: z.string(),
  description: optional(z.string()),
  composite: optional(z.boolean()),
  clientRole: optional(z.boolean()),
  containerId: optional(z.string()),
  attributes: optional(attributes),
})
export type RoleAnswer = z.infer<typeof roleSchema>
export const rolesSchema = z.array(roleSchema)
export const roleMappingsSchema = z.looseObject({
  realmMappings: optional(z.array(z.looseObject({ name: z.string() }))),
  clientMappings: optional(
    z.record(
      z.string(),
      z.looseObject({ client: optional(z.string()), mappings: optional(z.array(z.looseObject({ name: z.string() }))) }),
    ),
  ),
})
export type RoleMappingsAnswer = z.infer<typeof roleMappingsSchema>

export interface GroupAnswer {
  readonly [name: string]: unknown
  readonly id: string
  readonly name: string
  readonly path?: string | null | undefined
  readonly description?: string | null | undefined
  readonly subGroupCount?: number | null | undefined
  readonly subGroups?: readonly GroupAnswer[] | null | undefined
  readonly attributes?: Record<string, string[]> | null | undefined
  readonly realmRoles?: readonly string[] | null | undefined
  readonly clientRoles?: Record<string, string[]> | null | undefined
}
const groupSchema: z.ZodType<GroupAnswer> = z.looseObject({
  id,
  name: z.string(),
  path: optional(z.string()),
  description: optional(z.string()),
  subGroupCount: optional(z.int().nonnegative()),
  get subGroups() {
    return optional(z.array(groupSchema))
  },
  attributes: optional(attributes),
  realmRoles: optional(names),
  clientRoles: optional(rolesByClient),
})
export const groupsSchema = z.array(groupSchema)
export const userGroupsSchema = z.array(z.looseObject({ id, name: z.string(), path: optional(z.string()) }))

const mappersSchema = optional(z.array(z.looseObject({ name: z.string() })))
export const clientsSchema = z.array(
  z.looseObject({
    id,
    clientId: z.string(),
    secret: optional(z.string()),
    publicClient: optional(z.boolean()),
    bearerOnly: optional(z.boolean()),
    consentRequired: optional(z.boolean()),
    serviceAccountsEnabled: optional(z.boolean()),
    authorizationServicesEnabled: optional(z.boolean()),
    authenticationFlowBindingOverrides: optional(z.record(z.string(), optional(z.string()))),
    defaultClientScopes: optional(names),
    optionalClientScopes: optional(names),
    protocolMappers: mappersSchema,
    attributes: optional(z.record(z.string(), z.unknown())),
  }),
)
export type ClientAnswer = z.infer<typeof clientsSchema>[number]
export const clientSecretSchema = z.looseObject({ value: optional(z.string()) })
export const clientScopesSchema = z.array(z.looseObject({ id, name: z.string(), protocolMappers: mappersSchema }))

export const flowsSchema = z.array(
  z.looseObject({
    id,
    alias: z.string(),
    description: optional(z.string()),
    providerId: optional(z.string()),
    builtIn: optional(z.boolean()),
  }),
)
export const executionsSchema = z.array(
  z.looseObject({
    requirement: z.string(),
    displayName: optional(z.string()),
    description: optional(z.string()),
    providerId: optional(z.string()),
    authenticationFlow: optional(z.boolean()),
    authenticationConfig: optional(id),
    level: z.int().nonnegative(),
    index: z.int().nonnegative(),
  }),
)
export type ExecutionAnswer = z.infer<typeof executionsSchema>[number]
export const authenticatorConfigSchema = z.looseObject({
  alias: optional(z.string()),
  config: optional(z.record(z.string(), z.unknown())),
})
export const requiredActionsSchema = z.array(z.looseObject({ alias: z.string() }))

export const identityProvidersSchema = z.array(
  z.looseObject({ alias: z.string().min(1), config: optional(z.record(z.string(), z.unknown())) }),
)
export const mapperListSchema = z.array(z.looseObject({ name: z.string() }))

export const componentsSchema = z.array(
  z.looseObject({
    id,
    name: optional(z.string()),
    providerId: z.string(),
    providerType: z.string(),
    parentId: optional(z.string()),
    subType: optional(z.string()),
    config: optional(z.record(z.string(), z.unknown())),
  }),
)
export type ComponentAnswer = z.infer<typeof componentsSchema>[number]

export const organizationsSchema = z.array(
  z.looseObject({
    id,
    name: z.string(),
    alias: optional(z.string()),
    domains: optional(z.array(z.looseObject({ name: z.string(), verified: optional(z.boolean()) }))),
  }),
)
export const organizationMemberSchema = z.looseObject({ membershipType: optional(z.string()) })

export const userProfileSchema = z.looseObject({
  attributes: optional(z.array(z.looseObject({ name: z.string() }))),
  groups: optional(z.array(z.looseObject({ name: z.string() }))),
  unmanagedAttributePolicy: optional(z.string()),
})
export const localesSchema = names
export const textsSchema = z.record(z.string(), z.string())
export const clientProfilesSchema = z.looseObject({ profiles: optional(z.array(z.looseObject({ name: z.string() }))) })
export const clientPoliciesSchema = z.looseObject({ policies: optional(z.array(z.looseObject({ name: z.string() }))) })

export const consentsSchema = z.array(
  z.looseObject({
    clientId: z.string(),
    grantedClientScopes: optional(names),
    createdDate: optional(z.number()),
    lastUpdatedDate: optional(z.number()),
  }),
)
export const credentialsSchema = z.array(
  z.looseObject({
    id,
    type: z.string().min(1),
    userLabel: optional(z.string()),
    createdDate: optional(z.number()),
    credentialData: optional(z.string()),
  }),
)
