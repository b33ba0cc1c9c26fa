/** Mappers of a client, client scope, identity provider: fields by name, which is unique in each. */
import type { JsonObject } from '../../../resources/json.ts'
import { cleanObject } from '../clean-json.ts'

const LEFT_OUT: ReadonlySet<string> = new Set(['id', 'name', 'identityProviderAlias'])

export function mappersByName(mappers: readonly { readonly name: string }[] | null | undefined): JsonObject {
  return Object.fromEntries((mappers ?? []).map((mapper) => [mapper.name, cleanObject(mapper, { drop: LEFT_OUT })]))
}
