/** What the stand-in says of client scopes, and of the roles that a scope or client may show. */
import { fixedId } from './fixed-id.ts'
import { missing, need } from './asking.ts'
import type { Asking } from './asking.ts'
import type { DemoRealm, DemoScope } from './realm.ts'

/** Those that every realm has; `offline_access` is for those with the role of that name. */
export function builtInScopes(realm: DemoRealm): readonly DemoScope[] {
  return ['profile', 'email', 'roles', 'offline_access'].map((name) => ({
    ...{ id: fixedId(realm.seed, 'scope', name), name, description: `Scope ${name}`, protocol: 'openid-connect' },
    attributes: { 'include.in.token.scope': 'true' },
    mappers:
      name === 'email'
        ? [
            {
              ...{ id: fixedId(realm.seed, 'scope-mapper'), name: 'email', protocol: 'openid-connect' },
              ...{ protocolMapper: 'oidc-usermodel-attribute-mapper', config: { 'claim.name': 'email' } },
            },
          ]
        : [],
    newClients: name === 'offline_access' ? 'optional' : 'default',
    roleScope: name === 'offline_access' ? [realm.role(undefined, 'offline_access').id] : [],
  }))
}

export function listScopes(asking: Asking): readonly object[] {
  need(asking, 'view-clients')
  return [...asking.realm.scopes.values()].map(({ id, name, description, protocol, attributes, mappers }) => ({
    ...{ id, name, ...(description === undefined ? {} : { description }), protocol, attributes },
    ...(mappers.length === 0 ? {} : { protocolMappers: mappers }),
  }))
}

export function defaultScopes(asking: Asking, kind: 'default' | 'optional'): readonly object[] {
  need(asking, 'view-clients')
  return [...asking.realm.scopes.values()]
    .filter(({ newClients }) => newClients === kind)
    .map(({ id, name }) => ({ id, name }))
}

export function scopeOf(asking: Asking, id: string): DemoScope {
  need(asking, 'view-clients')
  const scope = asking.realm.scopes.get(id)
  if (scope === undefined) throw missing('Could not find client scope')
  return scope
}

/** As role mappings are told. */
export function shownRoles({ realm }: Asking, ids: readonly string[]): object {
  const roles = ids.map((id) => realm.roles.get(id)).filter((role) => role !== undefined)
  const ofRealm = roles.filter(({ client }) => client === undefined).map(({ id, name }) => ({ id, name }))
  const ofClients = Map.groupBy(
    roles.filter(({ client }) => client !== undefined),
    ({ client }) => client ?? '',
  )
  return {
    ...(ofRealm.length === 0 ? {} : { realmMappings: ofRealm }),
    ...(ofClients.size === 0
      ? {}
      : {
          clientMappings: Object.fromEntries(
            [...ofClients].map(([client, own]) => [
              client,
              { id: realm.clientNamed(client)?.id, client, mappings: own.map(({ id, name }) => ({ id, name })) },
            ]),
          ),
        }),
  }
}
