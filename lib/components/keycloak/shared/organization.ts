/** Organizations with their domains and identity providers. Who is a member stands with each person. */
import * as z from 'zod'
import { organizationsSchema } from '../answers.ts'
import { cleanObject, sortedLists, sortedNames, withoutEmptyTexts } from '../clean-json.ts'
import { readPages } from '../pages.ts'
import type { SharedKind } from './shared-kind.ts'

const LEFT_OUT: ReadonlySet<string> = new Set(['id', 'alias', 'domains', 'members', 'identityProviders', 'attributes'])
const TEXTS: ReadonlySet<string> = new Set(['description', 'redirectUrl'])
/** Attributes come only so; the library's types do not know it. */
const WHOLE: object = { briefRepresentation: false }
const linkedSchema = z.array(z.looseObject({ alias: z.string() }))
const attributesSchema = z.record(z.string(), z.array(z.string())).nullish()

export const organizationKind: SharedKind = {
  kind: 'organization',
  async read(reader) {
    if (reader.organizations === 'off') return []
    if (reader.organizations !== 'open') {
      reader.say(
        'organizations-not-covered',
        'Organizations cannot be read with a right to read on this version of Keycloak: they are not in this backup.',
      )
      return []
    }
    const organizations = await readPages({
      page: (first, max) =>
        reader.ask({
          right: 'view-organizations',
          schema: organizationsSchema,
          request: (admin) => admin.organizations.find({ first, max, ...WHOLE }),
        }),
      identity: ({ id }) => id,
    })
    return Promise.all(
      organizations
        .filter(({ alias, name }) => reader.wants([alias ?? name]))
        .map(async ({ id: orgId, ...organization }) => {
          const linked = await reader.ask({
            right: 'view-organizations',
            schema: linkedSchema,
            request: (admin) => admin.organizations.listIdentityProviders({ orgId }),
          })
          return {
            segments: [organization.alias ?? organization.name],
            body: {
              ...withoutEmptyTexts(cleanObject(organization, { drop: LEFT_OUT }), TEXTS),
              attributes: sortedLists(attributesSchema.parse(organization['attributes'])),
              domains: Object.fromEntries(
                (organization.domains ?? []).map(({ name, verified }) => [name, { verified: verified === true }]),
              ),
              identityProviders: sortedNames(linked.map(({ alias }) => alias)),
            },
          }
        }),
    )
  },
}
