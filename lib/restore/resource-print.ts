/**
 * What a resource was, in a few digests: enough to tell whether it still is that. Digests of content and secrets are keyed by the slice's generation, so prints compare
 * inside one generation only.
 */
import { hash } from 'node:crypto'
import type { SliceRepository, StoredResource } from '../repository/repository.ts'
import { canonicalJson } from '../resources/json.ts'
import type { JsonObject } from '../resources/json.ts'

export interface ResourcePrint {
  /** SHA-256 of the canonical `state`, hex. */
  readonly state: string
  readonly content?: string
  readonly secrets?: Readonly<Record<string, string>>
  /** Of each member of `kept`, where this target keeps them all. */
  readonly kept?: Readonly<Record<string, string>>
}

export async function printOf(repository: SliceRepository, resource: StoredResource): Promise<ResourcePrint> {
  return printWith((await repository.body(resource)).state, resource)
}

/** As it was found after a restore: with what it keeps. */
export async function wholePrintOf(repository: SliceRepository, resource: StoredResource): Promise<ResourcePrint> {
  const { state, kept } = await repository.body(resource)
  return { ...printWith(state, resource), ...keptPrint(kept) }
}

/** The same where nothing has to be opened for it; else `undefined`. */
export function wholePrintAtOnce(resource: StoredResource): ResourcePrint | undefined {
  const { state, kept } = resource
  return state === undefined || kept === undefined ? undefined : { ...printWith(state, resource), ...keptPrint(kept) }
}

export function keptPrint(kept: JsonObject): Pick<ResourcePrint, 'kept'> {
  const members = Object.entries(kept)
  if (members.length === 0) return {}
  return { kept: Object.fromEntries(members.map(([name, value]) => [name, sha256(canonicalJson(value)).slice(0, 32)])) }
}

function sha256(text: string): string {
  return hash('sha256', text)
}

/** That of a resource whose content and secrets are those of `resource`, and whose state is another. */
export function printWith(
  state: JsonObject,
  { content, secrets }: Pick<StoredResource, 'content' | 'secrets'>,
): ResourcePrint {
  const digests = Object.entries(secrets).map(([name, { digest }]) => [name, digest] as const)
  return {
    state: sha256(canonicalJson(state)),
    ...(content === undefined ? {} : { content: content.digest }),
    ...(digests.length === 0 ? {} : { secrets: Object.fromEntries(digests) }),
  }
}

/**
 * Do both say the same? A secret that one side does not have is not held against it: sources show some to nobody (a mask, a hash without a source of hashes), and
 * where one was changed, `state` says so by its date. Of `kept` only what `expected` names must be so.
 */
export function isSamePrint(found: ResourcePrint | undefined, expected: ResourcePrint | undefined): boolean {
  if (found === undefined || expected === undefined) return found === expected
  if (found.state !== expected.state || found.content !== expected.content) return false
  return (
    Object.entries(found.secrets ?? {}).every(([name, digest]) => (expected.secrets?.[name] ?? digest) === digest) &&
    changedKept(found, expected).length === 0
  )
}

/** Members of `kept` that did not come back. */
export function changedKept(found: ResourcePrint, expected: ResourcePrint): readonly string[] {
  return Object.entries(expected.kept ?? {}).flatMap(([name, digest]) => (found.kept?.[name] === digest ? [] : [name]))
}
