/** How one stored resource is shown: its key, its kind, its size, and its body with secrets masked. */
import type { SliceRepository, StoredResource } from '../repository/repository.ts'
import { decodeKey, formatKey } from '../resources/key.ts'
import type { JsonObject } from '../resources/json.ts'

export interface ListedResource {
  readonly component: string
  readonly key: string
  readonly kind: string
  readonly size?: number
}

/** What stands for a secret value that was not asked for. */
export const MASK = '**********'
/** Longest secret that is read into memory to be shown. */
const SECRET_BYTES_MAX = 1024 * 1024

export function listedResource(component: string, resource: StoredResource): ListedResource {
  return {
    component,
    key: formatKey(resource.key),
    kind: decodeKey(resource.key).kind,
    ...(resource.content === undefined ? {} : { size: resource.content.sizeBytes }),
  }
}

/** Body for people and scripts: `state`, `kept`, and the secrets by name, masked unless they were asked for (which needs the right to open content). */
export async function shownBody(
  repository: SliceRepository,
  resource: StoredResource,
  secrets: boolean,
): Promise<JsonObject> {
  const body = await repository.body(resource)
  const shown: Record<string, string> = {}
  for (const [name, reference] of Object.entries(resource.secrets))
    shown[name] = secrets ? await readText(repository, reference) : MASK
  return {
    key: formatKey(resource.key),
    state: body.state,
    kept: body.kept,
    ...(resource.content === undefined ? {} : { content: { size: resource.content.sizeBytes } }),
    ...(Object.keys(shown).length === 0 ? {} : { secrets: shown }),
  }
}

async function readText(
  repository: SliceRepository,
  reference: NonNullable<StoredResource['content']>,
): Promise<string> {
  if (reference.sizeBytes > SECRET_BYTES_MAX) throw new RangeError('a secret longer than 1 MiB')
  const parts: Uint8Array[] = []
  for await (const part of repository.content(reference))
    parts.push(part instanceof Uint8Array ? Buffer.from(part) : Buffer.alloc(part.holeBytes))
  return Buffer.concat(parts).toString('utf8')
}
