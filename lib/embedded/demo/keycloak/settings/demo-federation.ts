/** The stand-in's identity providers and components: answered and written, with the sharp edges of the real one. */
import { MASK, missing, need, pageOf } from '../asking.ts'
import type { Asking } from '../asking.ts'
import { fixedId } from '../fixed-id.ts'
import { importUsers } from '../import-users.ts'
import { bad, bodyOf, broken, conflict } from '../writing.ts'
import type { Writing, Written } from '../writing.ts'
import { FEDERATION, LDAP_MAPPER } from './demo-parts.ts'
import type { DemoComponent, DemoProvider, Members } from './demo-parts.ts'

const EMPTY_SWITCHES = {
  ...{ storeToken: false, addReadTokenRoleOnCreate: false, authenticateByDefault: false, linkOnly: false },
  postBrokerLoginFlowAlias: null,
} as const

export function listProviders(asking: Asking): readonly object[] {
  need(asking, 'view-identity-providers')
  return pageOf([...asking.realm.parts.providers.values()], asking, 100).map((provider) => describe(asking, provider))
}

export function oneProvider(asking: Asking, alias: string): object {
  need(asking, 'view-identity-providers')
  return describe(asking, providerOf(asking, alias))
}

function describe({ quirks }: Asking, { body }: DemoProvider): object {
  const config = 'clientSecret' in body.config ? { ...body.config, clientSecret: MASK } : body.config
  // The newest leaves out what is off.
  const shown = Object.entries(body).filter(([, value]) =>
    !quirks.emptyMembers && value === false ? false : value !== undefined,
  )
  return {
    ...(quirks.emptyMembers ? EMPTY_SWITCHES : { types: ['USER_AUTHENTICATION'] }),
    ...(quirks.emptyMembers && quirks.organizations !== 'none' ? { hideOnLogin: false } : {}),
    ...Object.fromEntries(shown),
    config,
  }
}

export function mappersOf(asking: Asking, alias: string): readonly object[] {
  need(asking, 'view-identity-providers')
  return [...providerOf(asking, alias).mappers.values()]
}

function providerOf({ realm }: Asking, alias: string): DemoProvider {
  const provider = realm.parts.providers.get(alias)
  if (provider === undefined) throw missing('Could not find identity provider')
  return provider
}

const PROVIDER_MEMBERS: ReadonlySet<string> = new Set([
  ...['alias', 'displayName', 'internalId', 'providerId', 'enabled', 'trustEmail', 'storeToken', 'linkOnly', 'config'],
  ...['addReadTokenRoleOnCreate', 'authenticateByDefault', 'firstBrokerLoginFlowAlias', 'postBrokerLoginFlowAlias'],
  ...['updateProfileFirstLoginMode'],
])
const MAPPER_MEMBERS: ReadonlySet<string> = new Set([
  ...['id', 'name', 'identityProviderAlias', 'identityProviderMapper', 'config'],
])

function providerBody(writing: Writing, body: unknown, status = 400): DemoProvider['body'] {
  const known = new Set([
    ...PROVIDER_MEMBERS,
    ...(writing.quirks.organizations === 'none' ? [] : ['hideOnLogin', 'organizationId']),
    ...(writing.quirks.emptyMembers ? [] : ['types']),
  ])
  const members = bodyOf({ body }, known, status)
  for (const use of ['firstBrokerLoginFlowAlias', 'postBrokerLoginFlowAlias']) {
    const flow = members[use]
    if (typeof flow === 'string' && writing.realm.parts.flows.named(flow) === undefined) throw broken()
  }
  return { ...members, config: { ...(members['config'] as Record<string, string>) } } as unknown as DemoProvider['body']
}

/** `partialImport`, of people or of providers with their mappers: all or nothing. */
export function importInto(writing: Writing): Written {
  const { body } = writing
  if (typeof body !== 'object' || body === null || !('identityProviders' in body)) return importUsers(writing)
  need(writing, 'manage-realm')
  const known = new Set(['ifResourceExists', 'identityProviders', 'identityProviderMappers'])
  const { identityProviders, identityProviderMappers = [] } = bodyOf(writing, known, 500) as {
    identityProviders: readonly unknown[]
    identityProviderMappers?: readonly Members[]
  }
  const { realm, quirks } = writing
  const bodies = identityProviders.map((one) => providerBody(writing, one, 500))
  if (bodies.some(({ alias }) => realm.parts.providers.has(alias)))
    throw quirks.importConflict === 409 ? conflict('Identity Provider already exists.') : broken()
  for (const one of bodies) {
    const id = fixedId(realm.seed, 'made', String(++realm.serial))
    realm.parts.providers.set(one.alias, { body: { ...one, internalId: id }, mappers: new Map() })
  }
  for (const mapper of identityProviderMappers) addMapperTo(writing, String(mapper['identityProviderAlias']), mapper)
  return { answer: { added: bodies.length + identityProviderMappers.length, skipped: 0, overwritten: 0, results: [] } }
}

/** Whole: what is not named is gone, but for what a mask keeps. The newest refuses another alias. */
export function updateProvider(writing: Writing, alias: string): Written {
  need(writing, 'manage-identity-providers')
  const provider = providerOf(writing, alias)
  const body = providerBody(writing, writing.body)
  if (body.alias !== alias) throw bad('Identity Provider alias cannot be changed')
  const { config: held } = provider.body
  const config = Object.fromEntries(
    Object.entries(body.config).map(([name, value]) => [name, value === MASK ? (held[name] ?? value) : value]),
  )
  const { internalId, providerId } = provider.body
  provider.body = { ...body, internalId, providerId, config }
}

/** The links of its people go with it. */
export function deleteProvider(writing: Writing, alias: string): Written {
  need(writing, 'manage-identity-providers')
  providerOf(writing, alias)
  writing.realm.parts.providers.delete(alias)
}

export function addMapper(writing: Writing, alias: string): Written {
  need(writing, 'manage-identity-providers')
  return { created: addMapperTo(writing, alias, writing.body) }
}

function addMapperTo(writing: Writing, alias: string, given: unknown): string {
  const body = bodyOf({ body: given }, MAPPER_MEMBERS)
  const { mappers } = providerOf(writing, alias)
  const name = String(body['name'])
  if ([...mappers.values()].some((mapper) => mapper.name === name)) throw bad(`Failed to add mapper '${name}'`)
  const id = fixedId(writing.realm.seed, 'made', String(++writing.realm.serial))
  mappers.set(id, { ...body, id, name })
  return id
}

export function updateMapper(writing: Writing, alias: string, id: string): Written {
  need(writing, 'manage-identity-providers')
  const { mappers } = providerOf(writing, alias)
  if (!mappers.has(id)) throw missing('Model not found')
  const body = bodyOf(writing, MAPPER_MEMBERS)
  mappers.set(id, { ...body, id, name: String(body['name']) })
}

export function deleteMapper(writing: Writing, alias: string, id: string): Written {
  need(writing, 'manage-identity-providers')
  if (!providerOf(writing, alias).mappers.delete(id)) throw missing('Model not found')
}

export function listComponents(asking: Asking): readonly object[] {
  need(asking, 'view-realm')
  const type = asking.query.get('type')
  return [...asking.realm.parts.components.values()]
    .filter(({ providerType }) => type === null || providerType === type)
    .map((component) => ({
      ...component,
      config: 'bindCredential' in component.config ? { ...component.config, bindCredential: [MASK] } : component.config,
    }))
}

const COMPONENT_MEMBERS: ReadonlySet<string> = new Set([
  ...['id', 'name', 'providerId', 'providerType', 'parentId', 'subType', 'config'],
])
/** What a new LDAP gets without being asked: name → attribute there. */
const LDAP_MAPPERS = { username: 'uid', 'first name': 'cn', 'last name': 'sn', email: 'mail' } as const
const LDAP_DATES = { 'creation date': 'createTimestamp', 'modify date': 'modifyTimestamp' } as const

/** Names are not unique. An LDAP brings seven mappers of its own, six before 26. */
export function addComponent(writing: Writing): Written {
  need(writing, 'manage-realm')
  const { realm, quirks } = writing
  const body = bodyOf(writing, COMPONENT_MEMBERS) as Partial<DemoComponent>
  const { components } = realm.parts
  const id = body.id ?? fixedId(realm.seed, 'made', String(++realm.serial))
  if (components.has(id)) throw conflict('Duplicate resource error')
  const component = {
    ...{ id, name: body.name ?? '', providerId: body.providerId ?? '', providerType: body.providerType ?? '' },
    ...{ parentId: body.parentId ?? realm.id, config: lists(body.config) },
    ...(body.subType === undefined ? {} : { subType: body.subType }),
  }
  components.set(id, component)
  if (component.providerType === FEDERATION && component.providerId === 'ldap') {
    for (const [name, attribute] of Object.entries({ ...LDAP_MAPPERS, ...LDAP_DATES }))
      addLdapMapper(writing, id, name, 'user-attribute-ldap-mapper', { 'ldap.attribute': [attribute] })
    if (quirks.organizations !== 'none')
      addLdapMapper(writing, id, 'Kerberos principal attribute mapper', 'kerberos-principal-attribute-mapper', {})
  }
  return { created: id }
}

function addLdapMapper(
  { realm }: Writing,
  parentId: string,
  name: string,
  providerId: string,
  config: Record<string, string[]>,
): void {
  const id = fixedId(realm.seed, 'made', String(++realm.serial))
  realm.parts.components.set(id, { ...{ id, name, providerId, providerType: LDAP_MAPPER, parentId }, config })
}

/** A value that is not named stays; an empty one goes; a mask keeps what it hides. */
export function updateComponent(writing: Writing, id: string): Written {
  need(writing, 'manage-realm')
  const component = writing.realm.parts.components.get(id)
  if (component === undefined) throw missing('Could not find component')
  const body = bodyOf(writing, COMPONENT_MEMBERS) as Partial<DemoComponent>
  const config = { ...component.config }
  for (const [name, values] of Object.entries(body.config ?? {})) {
    if (values.length === 0) delete config[name]
    else if (values[0] !== MASK) config[name] = [...values]
  }
  Object.assign(component, {
    name: body.name ?? component.name,
    providerId: body.providerId ?? component.providerId,
    config,
  })
}

export function deleteComponent(writing: Writing, id: string): Written {
  need(writing, 'manage-realm')
  const { components } = writing.realm.parts
  if (!components.delete(id)) throw missing('Could not find component')
  for (const below of components.values()) if (below.parentId === id) components.delete(below.id)
}

function lists(config: Readonly<Record<string, readonly string[]>> | undefined): Record<string, string[]> {
  return Object.fromEntries(
    Object.entries(config ?? {})
      .filter(([, values]) => values.length > 0)
      .map(([name, values]) => [name, [...values]]),
  )
}
