/** Which roles a client or client scope may put into a token, when it may not put all. */
import type { JsonObject } from '../../../resources/json.ts'
import { roleMappingsSchema } from '../answers.ts'
import type { RoleMappingsAnswer } from '../answers.ts'
import { clientRolesOf, realmRolesOf } from '../read-user.ts'
import type { SharedReader } from './shared-kind.ts'

export async function readRoleScope(
  reader: SharedReader,
  of: 'client' | 'client-scope',
  id: string,
): Promise<JsonObject> {
  const mappings: RoleMappingsAnswer = await reader.ask({
    right: 'view-clients',
    schema: roleMappingsSchema,
    request: (admin) =>
      of === 'client' ? admin.clients.listScopeMappings({ id }) : admin.clientScopes.listScopeMappings({ id }),
  })
  return { realm: realmRolesOf(mappings), clients: clientRolesOf(mappings) }
}
