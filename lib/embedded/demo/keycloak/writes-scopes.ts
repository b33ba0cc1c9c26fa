/** What the stand-in does to client scopes, and to mappers, which clients have as well. */
import { fixedId } from './fixed-id.ts'
import { missing, need } from './asking.ts'
import { scopeOf } from './answers-scopes.ts'
import type { DemoMapper, DemoScope } from './realm.ts'
import { bad, bodyOf, conflict } from './writing.ts'
import type { Writing, Written } from './writing.ts'

const MEMBERS: ReadonlySet<string> = new Set([
  ...['id', 'name', 'description', 'protocol', 'attributes', 'protocolMappers'],
])

interface ScopeBody {
  readonly id?: string
  readonly name?: string
  readonly description?: string | null
  readonly protocol?: string
  readonly attributes?: Readonly<Record<string, string | null>>
  readonly protocolMappers?: readonly MapperBody[]
}
export interface MapperBody {
  readonly id?: string
  readonly name: string
}

/** Keeps the id. */
export function createScope(writing: Writing): Written {
  need(writing, 'manage-clients')
  const { realm } = writing
  const { id = fixedId(realm.seed, 'posted-scope', String(realm.serial++)), name = '', ...body } = read(writing)
  if (!/^[!#-[\]-~]+$/.test(name)) throw bad(`Unexpected name "${name}" for ClientScope`)
  if (realm.scopes.has(id) || [...realm.scopes.values()].some((scope) => scope.name === name))
    throw conflict(`Client Scope ${name} already exists`)
  const scope: DemoScope = {
    ...{ id, name, protocol: body.protocol ?? 'openid-connect', newClients: 'none', roleScope: [] },
    attributes: merged({}, body.attributes),
    mappers: mappersOf(writing, body.protocolMappers ?? []),
  }
  if (typeof body.description === 'string') scope.description = body.description
  realm.scopes.set(id, scope)
  return { created: id }
}

/** Mappers are ignored; an attribute or description that is not named stays; null takes an attribute away. */
export function updateScope(writing: Writing, id: string): Written {
  need(writing, 'manage-clients')
  const scope = scopeOf(writing, id)
  const { description, attributes } = read(writing)
  if (typeof description === 'string') scope.description = description
  scope.attributes = merged(scope.attributes, attributes)
}

export function removeScope(writing: Writing, id: string): Written {
  need(writing, 'manage-clients')
  const { realm } = writing
  const { name } = scopeOf(writing, id)
  realm.scopes.delete(id)
  for (const client of realm.clients.values()) {
    client.defaultScopes = client.defaultScopes.filter((one) => one !== name)
    client.optionalScopes = client.optionalScopes.filter((one) => one !== name)
  }
}

/** It stands in one list: to be put into the other it must be out of the first. */
export function giveToNewClients(
  writing: Writing,
  id: string,
  which: 'default' | 'optional',
  isGiven: boolean,
): Written {
  need(writing, 'manage-realm')
  const scope = scopeOf(writing, id)
  if (isGiven && scope.newClients !== 'none' && scope.newClients !== which) throw conflict('Duplicate resource error')
  if (isGiven) scope.newClients = which
  else if (scope.newClients === which) scope.newClients = 'none'
}

interface HasMappers {
  mappers: readonly DemoMapper[]
}

export function createMapper(writing: Writing, of: HasMappers): Written {
  need(writing, 'manage-clients')
  const { name } = writing.body as MapperBody
  if (of.mappers.some((mapper) => mapper.name === name)) throw conflict('Protocol mapper exists with same name')
  of.mappers = [...of.mappers, ...mappersOf(writing, [writing.body as MapperBody])]
}

export function updateMapper(writing: Writing, of: HasMappers, id: string): Written {
  need(writing, 'manage-clients')
  if (!of.mappers.some((mapper) => mapper.id === id)) throw missing('Model not found')
  const body = writing.body as MapperBody
  of.mappers = of.mappers.map((mapper) => (mapper.id === id ? { ...structuredClone(body), id } : mapper))
}

export function removeMapper(writing: Writing, of: HasMappers, id: string): Written {
  need(writing, 'manage-clients')
  if (!of.mappers.some((mapper) => mapper.id === id)) throw missing('Model not found')
  of.mappers = of.mappers.filter((mapper) => mapper.id !== id)
}

export function mappersOf({ realm }: Writing, bodies: readonly MapperBody[]): readonly DemoMapper[] {
  return bodies.map((body) => ({
    ...structuredClone(body),
    id: body.id ?? fixedId(realm.seed, 'posted-mapper', String(realm.serial++)),
  }))
}

function merged(
  has: Readonly<Record<string, string>>,
  more: Readonly<Record<string, string | null>> = {},
): Record<string, string> {
  const all = { ...has, ...more }
  return Object.fromEntries(Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== null))
}

function read(writing: Writing): ScopeBody {
  return bodyOf(writing, MEMBERS)
}
