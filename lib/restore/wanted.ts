/**
 * What stands in a snapshot, as something wanted or seen. Contents and secrets are opened when they are asked for; what of a wanted one is damaged throws
 * `restore-damaged`.
 */
import { buffer } from 'node:stream/consumers'
import type { Bringing, ContentReference, SliceRepository, StoredResource } from '../repository/repository.ts'
import type { Seen, Wanted, WantedContent } from '../resources/change.ts'
import type { ElsewhereContent } from '../resources/file-making.ts'
import type { ContentPart } from '../resources/resource.ts'
import { readStored, storedParts } from './stored-damage.ts'

export async function seenOf(repository: SliceRepository, resource: StoredResource): Promise<Seen> {
  return await repository.body(resource)
}

/** `bringing`: contents may be written by other threads. */
export async function wantedOf(
  repository: SliceRepository,
  resource: StoredResource,
  bringing?: Bringing,
): Promise<Wanted> {
  return wantedAs(repository, resource, await readStored(() => repository.body(resource)), bringing)
}

/** The same where nothing has to be opened for it; else `undefined`. */
export function wantedAtOnce(
  repository: SliceRepository,
  resource: StoredResource,
  bringing?: Bringing,
): Wanted | undefined {
  const { state, kept } = resource
  return state === undefined || kept === undefined
    ? undefined
    : wantedAs(repository, resource, { state, kept }, bringing)
}

function wantedAs(
  repository: SliceRepository,
  resource: StoredResource,
  { state, kept }: Seen,
  bringing: Bringing | undefined,
): Wanted {
  const { content: reference } = resource
  const secrets = secretsOf(repository, resource)
  if (reference === undefined) return { state, kept, secrets }
  const content = new StoredWanted(
    repository,
    reference,
    bringing === undefined || reference.sizeBytes === 0 ? undefined : bringing.of(reference),
  )
  return { state, kept, secrets, content }
}

const NONE: Wanted['secrets'] = {}

function secretsOf(repository: SliceRepository, { secrets }: StoredResource): Wanted['secrets'] {
  const entries = Object.entries(secrets)
  if (entries.length === 0) return NONE
  return Object.fromEntries(
    entries.map(([name, reference]) => [name, async () => await readStored(() => textOf(repository, reference))]),
  )
}

/** A content that stands in the repository. */
class StoredWanted implements WantedContent {
  readonly #repository: SliceRepository
  readonly #reference: ContentReference
  readonly sizeBytes: number
  readonly elsewhere: ElsewhereContent | undefined

  constructor(repository: SliceRepository, reference: ContentReference, elsewhere: ElsewhereContent | undefined) {
    this.#repository = repository
    this.#reference = reference
    this.sizeBytes = reference.sizeBytes
    this.elsewhere = elsewhere
  }

  parts(): AsyncIterable<ContentPart> {
    return storedParts(this.#repository.content(this.#reference))
  }
}

async function textOf(repository: SliceRepository, reference: NonNullable<StoredResource['content']>): Promise<string> {
  return (await buffer(bytesOf(repository, reference))).toString('utf8')
}

/** A secret has no holes. */
async function* bytesOf(
  repository: SliceRepository,
  reference: NonNullable<StoredResource['content']>,
): AsyncGenerator<Uint8Array> {
  for await (const part of repository.content(reference)) if (part instanceof Uint8Array) yield part
}

/** Opens every secret, so that one that is damaged is known before anything is written. @throws TorikiError `restore-damaged`. */
export async function proveSecrets({ secrets }: Wanted): Promise<void> {
  for (const open of Object.values(secrets)) await open()
}

/** Reads a content to its end, for no other reason. @throws TorikiError `restore-damaged`. */
export async function proveContent({ content }: Wanted): Promise<void> {
  for await (const _ of content?.parts() ?? []) continue
}
