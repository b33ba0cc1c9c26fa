/** The group tree, one resource per group, with attributes and roles; and which groups new people join. */
import * as z from 'zod'
import { sortedLists, sortedNames, textOrNull } from '../clean-json.ts'
import type { SharedKind } from './shared-kind.ts'

export const groupKind: SharedKind = {
  kind: 'group',
  async read(reader) {
    return (await reader.groups()).map(({ segments, group }) => ({
      segments,
      body: {
        description: textOrNull(group.description),
        attributes: sortedLists(group.attributes),
        realmRoles: sortedNames(group.realmRoles ?? []),
        clientRoles: sortedLists(group.clientRoles),
      },
    }))
  },
}

export const defaultGroupKind: SharedKind = {
  kind: 'default-group',
  async read(reader) {
    const { realm } = reader.client.settings
    const defaults = await reader.ask({
      right: 'view-realm',
      schema: z.array(z.looseObject({ id: z.string() })),
      request: (admin) => admin.realms.getDefaultGroups({ realm }),
    })
    const paths = new Map((await reader.groups()).map(({ segments, group }) => [group.id, segments]))
    return defaults
      .map(({ id }) => paths.get(id))
      .filter((segments) => segments !== undefined)
      .map((segments) => ({ segments, body: {} }))
  },
}
