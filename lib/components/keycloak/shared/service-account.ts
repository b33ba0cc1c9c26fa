/** What a client may do on its own: roles, groups and attributes of its service account, which is no person. */
import { roleMappingsSchema, userGroupsSchema, userSchema } from '../answers.ts'
import { compareText, sortedLists } from '../clean-json.ts'
import { readPages } from '../pages.ts'
import { clientRolesOf, realmRolesOf } from '../read-user.ts'
import type { SharedKind } from './shared-kind.ts'

export const serviceAccountKind: SharedKind = {
  kind: 'service-account',
  async read(reader) {
    const paths = new Map((await reader.groups()).map(({ segments, group }) => [group.id, segments]))
    const clients = (await reader.clients()).filter(
      ({ serviceAccountsEnabled, clientId }) => serviceAccountsEnabled === true && reader.wants([clientId]),
    )
    return Promise.all(
      clients.map(async ({ id: clientUuid, clientId }) => {
        const user = await reader.ask({
          right: 'view-clients',
          schema: userSchema,
          request: (admin) => admin.clients.getServiceAccountUser({ id: clientUuid }),
        })
        const { id } = user
        const [roles, groups] = await Promise.all([
          reader.ask({
            right: 'view-users',
            schema: roleMappingsSchema,
            request: (admin) => admin.users.listRoleMappings({ id }),
          }),
          readPages({
            page: (first, max) =>
              reader.ask({
                right: 'view-users',
                schema: userGroupsSchema,
                request: (admin) => admin.users.listGroups({ id, first, max }),
              }),
            identity: (group) => group.id,
            shortPageEnds: true,
          }),
        ])
        const known = groups.map((group) => paths.get(group.id)).filter((path) => path !== undefined)
        return {
          segments: [clientId],
          body: {
            enabled: user.enabled !== false,
            attributes: sortedLists(user.attributes),
            groups: known.sort((a, b) => compareText(JSON.stringify(a), JSON.stringify(b))),
            realmRoles: realmRolesOf(roles),
            clientRoles: clientRolesOf(roles),
          },
        }
      }),
    )
  },
}
