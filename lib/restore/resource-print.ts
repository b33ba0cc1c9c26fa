/**
 * What a resource was, in a few digests: enough to tell whether it still is that. Digests of content and secrets are keyed by the slice's generation, so prints compare
 * inside one generation only.
 */
import { createHash } from 'node:crypto'
import type { SliceRepository, StoredResource } from '../repository/repository.ts'
import { canonicalJson } from '../resources/json.ts'
import type { JsonObject } from '../resources/json.ts'

export interface ResourcePrint {
  /** SHA-256 of the canonical `state`, hex. */
  readonly state: string
  readonly content?: string
  readonly secrets?: Readonly<Record<string, string>>
}

export async function printOf(repository: SliceRepository, resource: StoredResource): Promise<ResourcePrint> {
  return printWith((await repository.body(resource)).state, resource)
}

/** That of a resource whose content and secrets are those of `resource`, and whose state is another. */
export function printWith(
  state: JsonObject,
  { content, secrets }: Pick<StoredResource, 'content' | 'secrets'>,
): ResourcePrint {
  const digests = Object.entries(secrets).map(([name, { digest }]) => [name, digest] as const)
  return {
    state: createHash('sha256').update(canonicalJson(state)).digest('hex'),
    ...(content === undefined ? {} : { content: content.digest }),
    ...(digests.length === 0 ? {} : { secrets: Object.fromEntries(digests) }),
  }
}

/**
 * Do both say the same? A secret that one side does not have is not held against it: sources show some to nobody (a mask, a hash without a source of hashes), and
 * where one was changed, `state` says so by its date.
 */
export function isSamePrint(a: ResourcePrint | undefined, b: ResourcePrint | undefined): boolean {
  if (a === undefined || b === undefined) return a === b
  if (a.state !== b.state || a.content !== b.content) return false
  return Object.entries(a.secrets ?? {}).every(([name, digest]) => (b.secrets?.[name] ?? digest) === digest)
}
