/** Which attributes people may have, one resource: attributes and their groups by name, their order beside them. Absent before version 24. */
import type { JsonObject } from '../../../resources/json.ts'
import { userProfileSchema } from '../answers.ts'
import { cleanObject } from '../clean-json.ts'
import type { SharedKind } from './shared-kind.ts'

/** Options of a choice are shown in this order. */
const ORDERED: ReadonlySet<string> = new Set(['options'])
const NAME: ReadonlySet<string> = new Set(['name'])

export const userProfileKind: SharedKind = {
  kind: 'user-profile',
  async read(reader) {
    // 15.0.2 answers 204: an empty text.
    const profile = await reader.find({
      right: 'view-realm',
      schema: userProfileSchema.or(userProfileSchema.nullable().catch(null)),
      request: async (admin) => (await admin.users.getProfile()) || null,
    })
    if (profile === undefined || profile === null) return []
    const { attributes, groups, unmanagedAttributePolicy, ...others } = profile
    if (
      unmanagedAttributePolicy === undefined ||
      unmanagedAttributePolicy === null ||
      unmanagedAttributePolicy === 'DISABLED'
    ) {
      reader.say(
        'undeclared-attributes-not-covered',
        'The user profile hides attributes that it does not declare: where accounts have such, they are not in this backup.',
      )
    }
    return [
      {
        segments: [],
        body: {
          ...cleanObject(others),
          unmanagedAttributePolicy: unmanagedAttributePolicy ?? 'DISABLED',
          attributes: byName(attributes ?? []),
          attributeOrder: (attributes ?? []).map(({ name }) => name),
          groups: byName(groups ?? []),
          groupOrder: (groups ?? []).map(({ name }) => name),
        },
      },
    ]
  },
}

function byName(entries: readonly { readonly name: string }[]): JsonObject {
  return Object.fromEntries(entries.map((entry) => [entry.name, cleanObject(entry, { drop: NAME, ordered: ORDERED })]))
}
