/** Takes out of a fingerprint what a plan said beforehand: then before and after are the same, or something happened that nobody was told of. */
import { parseSegment } from '../../../lib/resources/key.ts'
import type { Json } from '../servers/admin-rest.ts'
import type { Fingerprint, State } from './fingerprint.ts'

/** As `restore plan --json` says it. */
export interface ForeseenItem {
  readonly key: string
  readonly action: string
  readonly lost?: readonly { readonly field: string }[]
}

type Members = { [key: string]: Json }

/** Kinds of the product's keys, as a fingerprint calls them. */
const KINDS: Readonly<Record<string, string>> = {
  realm: 'realm',
  client: 'client',
  component: 'component',
  user: 'user',
  'identity-provider': 'identityProvider',
  'service-account': 'serviceAccount',
}

/**
 * Without what the plan leaves or cannot restore, and without the fields that it calls lost. What Keycloak keeps no order of is sorted, and what says the same twice is there once.
 * A kind that is not known here stands in nobody's way: its differences show.
 */
export function withoutForeseen({ state, kept }: Fingerprint, items: readonly ForeseenItem[]): Fingerprint {
  const left = structuredClone(state)
  for (const { key, action, lost = [] } of items) {
    const [kind, name] = placeOf(key)
    const value = left[kind]?.[name]
    if (value === undefined) continue
    if (action === 'left' || action === 'cannot') Reflect.deleteProperty(left[kind] ?? {}, name)
    for (const { field } of lost)
      for (const one of Array.isArray(value) ? value : [value]) remove(one, field.split('.'))
  }
  return { state: plain(left), kept }
}

function placeOf(key: string): readonly [kind: string, name: string] {
  const [kind = '', ...segments] = key.split('/').map((segment) => parseSegment(segment).toString('utf8'))
  const called = KINDS[kind] ?? ''
  if (kind === 'realm') return [called, 'nebari']
  // Those of one name stand in one list.
  if (kind === 'component') return [called, JSON.stringify(['', ...segments.slice(0, 3)])]
  return [called, segments[0] ?? '']
}

function remove(value: Json, path: readonly string[]): void {
  const [name = '', ...rest] = path
  if (!isObject(value)) return
  if (rest.length === 0) Reflect.deleteProperty(value, name)
  else remove(value[name] ?? null, rest)
}

function plain(state: State): State {
  const { component = {}, flow = {}, identityProvider = {}, ...rest } = state
  return {
    ...Object.fromEntries(Object.entries(rest).map(([kind, values]) => [kind, eachOf(values, sortedAttributes)])),
    // The user profile as one text: it stands under `profile`, too.
    component: Object.fromEntries(Object.entries(component).filter(([name]) => !name.includes(USER_PROFILE))),
    // The place of a step is its place in the list.
    flow: eachOf(flow, (steps) =>
      (steps as readonly Members[]).map((step) => without(step, ([name]) => name === 'priority')),
    ),
    // Off is what is not said.
    identityProvider: eachOf(identityProvider, (provider) => without(provider, ([, value]) => value === false)),
  }
}

const USER_PROFILE = 'org.keycloak.userprofile.UserProfileProvider'

const byText = (a: Json, b: Json): number => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)

/** The values of an attribute are a set. */
function sortedAttributes(value: Json): Json {
  if (!isObject(value) || !isObject(value.attributes ?? null)) return value
  const sorted = (values: Json): Json => (Array.isArray(values) ? values.toSorted(byText) : values)
  return { ...value, attributes: eachOf(value.attributes as Members, sorted) }
}

function eachOf(values: Readonly<Record<string, Json>>, change: (value: Json) => Json): Record<string, Json> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, change(value)]))
}

function without(value: Json, isOut: (member: readonly [string, Json]) => boolean): Json {
  if (!isObject(value)) return value
  return Object.fromEntries(Object.entries(value).filter((member) => !isOut(member)))
}

const isObject = (value: Json): value is Members => value !== null && typeof value === 'object' && !Array.isArray(value)
