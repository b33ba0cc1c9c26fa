/** Roles of the realm and of clients: description, attributes, and what they are made of, by name. */
import type { JsonObject } from '../../../resources/json.ts'
import { rolesSchema } from '../answers.ts'
import type { RoleAnswer } from '../answers.ts'
import { sortedLists, sortedNames, textOrNull } from '../clean-json.ts'
import type { Draft, SharedKind, SharedReader } from './shared-kind.ts'

/** Attributes come only so; the library's types do not always know it. */
const WHOLE: object = { briefRepresentation: false }

export const realmRoleKind: SharedKind = {
  kind: 'realm-role',
  async read(reader) {
    // Attributes come only when asked for; there are no pages unless asked for.
    const roles = await reader.ask({
      right: 'view-realm',
      schema: rolesSchema,
      request: (admin) => admin.roles.find({ briefRepresentation: false }),
    })
    return Promise.all(
      roles.filter(({ name }) => reader.wants([name])).map((role) => describe(reader, role, [role.name])),
    )
  },
}

export const clientRoleKind: SharedKind = {
  kind: 'client-role',
  async read(reader) {
    const ofClients = await Promise.all(
      (await reader.clients()).map(async ({ id, clientId }) => {
        const roles = await reader.ask({
          right: 'view-clients',
          schema: rolesSchema,
          request: (admin) => admin.clients.listRoles({ id, ...WHOLE }),
        })
        return Promise.all(
          roles
            .filter(({ name }) => reader.wants([clientId, name]))
            .map((role) => describe(reader, role, [clientId, role.name])),
        )
      }),
    )
    return ofClients.flat()
  },
}

async function describe(reader: SharedReader, role: RoleAnswer, segments: readonly string[]): Promise<Draft> {
  return {
    segments,
    body: {
      description: textOrNull(role.description),
      attributes: sortedLists(role.attributes),
      composites: role.composite === true ? await readComposites(reader, role.id) : { realm: [], clients: {} },
    },
  }
}

async function readComposites(reader: SharedReader, id: string): Promise<JsonObject> {
  const [parts, clientIds] = await Promise.all([
    reader.ask({ right: 'view-realm', schema: rolesSchema, request: (admin) => admin.roles.getCompositeRoles({ id }) }),
    reader.clientIds(),
  ])
  const clients: Record<string, string[]> = {}
  for (const { name, clientRole, containerId } of parts) {
    if (clientRole !== true) continue
    const clientId = clientIds.get(containerId ?? '')
    // A client that was made a moment ago: its role is in the next backup, as it is.
    if (clientId !== undefined) (clients[clientId] ??= []).push(name)
  }
  return {
    realm: sortedNames(parts.filter(({ clientRole }) => clientRole !== true).map(({ name }) => name)),
    clients: sortedLists(clients),
  }
}
