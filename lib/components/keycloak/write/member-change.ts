/** What kinds share that are changed member by member: how the live resource stands to a change, and secrets put back where they stood. */
import type { Change, Wanted } from '../../../resources/change.ts'
import { canonicalJson } from '../../../resources/json.ts'
import type { JsonObject, JsonValue } from '../../../resources/json.ts'
import type { Resource } from '../../../resources/resource.ts'
import type { Applied, Forecast } from '../../writer.ts'
import { strangeMembers } from './between.ts'
import { keepInstallers } from './installer-part.ts'
import { INSTALLER_LEFT, installerPart } from './installer.ts'
import { will } from './work.ts'
import type { Lost, Work } from './work.ts'

/** What becomes of a resource here. Forecast and writing both go by it. */
export interface Outcome {
  readonly state: JsonObject
  readonly lost: readonly Lost[]
  readonly needsPerson: readonly string[]
}

export type Standing =
  | { readonly kind: 'make' }
  | { readonly kind: 'update' | 'remove'; readonly live: Resource }
  | { readonly kind: 'done'; readonly applied: Applied }

/**
 * How `live` stands to a change that ends in `state` (`undefined`: in nothing). `partly`: what a create that was cut off may show.
 */
export async function standing(
  { before, after }: Change,
  state: JsonObject | undefined,
  live: Resource | undefined,
  partly: JsonObject | undefined = state,
): Promise<Standing> {
  const conflict = (fields: readonly string[]): Standing => ({ kind: 'done', applied: { kind: 'conflict', fields } })
  if (state === undefined) {
    if (live === undefined) return { kind: 'done', applied: { kind: 'already', complete: false } }
    if (before === undefined) return conflict([])
    const strange = strangeMembers(live.state, partly ?? before.state, before.state)
    return strange.length > 0 ? conflict(strange) : { kind: 'remove', live }
  }
  if (live === undefined) return before === undefined ? { kind: 'make' } : conflict([])
  const strange = strangeMembers(live.state, before?.state ?? partly ?? state, state)
  if (strange.length > 0) return conflict(strange)
  const same = canonicalJson(live.state) === canonicalJson(state) && (await agreeInSecrets(live, after))
  return same ? { kind: 'done', applied: { kind: 'already', complete: false } } : { kind: 'update', live }
}

/** A secret that one side does not show is not held against it. */
async function agreeInSecrets({ secrets = {} }: Resource, after: Wanted | undefined): Promise<boolean> {
  for (const [name, text] of Object.entries(after?.secrets ?? {})) {
    if (secrets[name] !== undefined && secrets[name] !== (await text())) return false
  }
  return true
}

/** `outcome`, with what the installer makes as it is live, unless it is asked for. Whole resources of the installer's are left. */
export function keepInstallersPart(
  { options }: Work,
  kind: string,
  segments: readonly string[],
  { before }: Change,
  outcome: Outcome,
): Outcome | 'left' {
  const part = options.installerOwned ? undefined : installerPart(kind, segments)
  if (part === undefined || before === undefined) return outcome
  if (part === 'installer') return 'left'
  const { state, left } = keepInstallers(part, before.state, outcome.state)
  return { ...outcome, state, lost: [...outcome.lost, ...left.map((field) => ({ field, reason: INSTALLER_LEFT }))] }
}

export function forecastOf(outcome: Outcome | 'left', keeps = true): Forecast {
  if (outcome === 'left') return { kind: 'left', reason: INSTALLER_LEFT }
  const { state, lost, needsPerson } = outcome
  return will(state, { keeps, lost, needsPerson })
}

/** The values of a change's secrets. */
export async function openSecrets({ secrets }: Pick<Wanted, 'secrets'>): Promise<Readonly<Record<string, string>>> {
  const values: Record<string, string> = {}
  for (const [name, text] of Object.entries(secrets)) values[name] = await text()
  return values
}

/**
 * `body` with secrets at their dotted places, from which they were taken. A name may hold dots: the longest way that is there leads to the member. `wrap`: how the
 * value is written there.
 */
export function withSecrets(
  body: JsonObject,
  secrets: Readonly<Record<string, string>>,
  wrap: (value: string) => JsonValue = (value) => value,
): JsonObject {
  const copy = structuredClone(body)
  for (const [name, value] of Object.entries(secrets)) put(copy, name.split('.'), wrap(value))
  return copy
}

function put(into: JsonValue, words: readonly string[], value: JsonValue): void {
  let at = into
  let rest = words
  for (let length = rest.length - 1; length > 0; length--) {
    const next = memberOf(at, rest.slice(0, length).join('.'))
    if (next === undefined) continue
    at = next
    rest = rest.slice(length)
    length = rest.length
  }
  if (isMembers(at)) (at as Record<string, JsonValue>)[rest.join('.')] = value
}

function memberOf(value: JsonValue, name: string): JsonValue | undefined {
  const member = Array.isArray(value)
    ? (value as readonly JsonValue[])[Number(name)]
    : isMembers(value)
      ? value[name]
      : undefined
  return isMembers(member) || Array.isArray(member) ? member : undefined
}

export function isMembers(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function membersOf(value: JsonValue | undefined): JsonObject {
  return isMembers(value) ? value : {}
}

/** Those members of `members` whose names pass. */
export function pick(members: JsonObject, wants: (name: string) => boolean): JsonObject {
  return Object.fromEntries(Object.entries(members).filter(([name]) => wants(name)))
}

export function textOf(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : ''
}
