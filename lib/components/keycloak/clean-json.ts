/**
 * An answer as a body: the same state gives the same bytes on every server. Members without a value are left out, lists whose order a server makes up are
 * sorted, texts are well-formed, numbers finite.
 */
import { canonicalJson } from '../../resources/json.ts'
import type { JsonObject, JsonValue } from '../../resources/json.ts'
import { unexpected } from './failure.ts'

export interface CleanOptions {
  /** Members with these names are left out, at every depth. */
  readonly drop?: ReadonlySet<string>
  /** Lists under these names keep their order, with all that is in them; other lists of texts and numbers are sorted. */
  readonly ordered?: ReadonlySet<string>
}

/** Nothing of Keycloak's is nearly as deep; an answer that is would overflow the stack. */
const DEPTH_MAX = 64

/** @throws TorikiError `source-unexpected` for what is no object, or is nested beyond reason. */
export function cleanObject(value: unknown, options: CleanOptions = {}): JsonObject {
  const cleaned = clean(value, options, false, 0)
  if (typeof cleaned !== 'object' || cleaned === null || Array.isArray(cleaned))
    throw unexpected('The source answered something else than an object.')
  return cleaned as JsonObject
}

/** Ascending by code units, each once: a set of names. */
export function sortedNames(names: Iterable<string>): readonly string[] {
  return [...new Set([...names].map((name) => name.toWellFormed()))].sort(compareText)
}

/** Attributes, roles by client and the like: members without values are left out, values are a set. */
export function sortedLists(lists: Readonly<Record<string, readonly string[]>> | null | undefined): JsonObject {
  return Object.fromEntries(
    Object.entries(lists ?? {})
      .filter(([, values]) => values.length > 0)
      .map(([name, values]) => [name.toWellFormed(), sortedNames(values)]),
  )
}

/** Texts that say nothing when they are empty (the admin console writes them so, a REST client leaves them out), of the top level: left out. */
export function withoutEmptyTexts(body: JsonObject, names: ReadonlySet<string>): JsonObject {
  return Object.fromEntries(Object.entries(body).filter(([name, value]) => value !== '' || !names.has(name)))
}

/** A text, or nothing. */
export function textOrNull(text: string | null | undefined): string | null {
  return text === undefined || text === '' ? null : text
}

export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function clean(value: unknown, options: CleanOptions, ordered: boolean, depth: number): JsonValue {
  if (depth > DEPTH_MAX) throw unexpected('The source answered something nested beyond reason.')
  if (value === null || typeof value === 'boolean') return value
  if (typeof value === 'string') return value.toWellFormed()
  // JSON has no infinity, but 1e999 is read as one.
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
  if (Array.isArray(value)) {
    const items = value.map((item) => clean(item, options, ordered, depth + 1))
    return ordered ? items : sortItems(items)
  }
  if (typeof value !== 'object') throw unexpected('The source answered something that JSON does not have.')
  const members: [string, JsonValue][] = []
  for (const [name, member] of Object.entries(value)) {
    if (member === null || member === undefined || options.drop?.has(name) === true) continue
    members.push([
      name.toWellFormed(),
      clean(member, options, ordered || options.ordered?.has(name) === true, depth + 1),
    ])
  }
  return Object.fromEntries(members)
}

function sortItems(items: readonly JsonValue[]): readonly JsonValue[] {
  if (items.every((item) => typeof item === 'string')) return [...items].sort(compareText)
  return items
    .map((item) => ({ item, text: canonicalJson(item) }))
    .sort((a, b) => compareText(a.text, b.text))
    .map(({ item }) => item)
}
