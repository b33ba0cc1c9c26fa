/**
 * What stands in a snapshot, as something wanted or seen. Contents and secrets are opened when they are asked for; what of a wanted one is damaged throws
 * `restore-damaged`.
 */
import { buffer } from 'node:stream/consumers'
import type { Bringing, SliceRepository, StoredResource } from '../repository/repository.ts'
import type { Seen, Wanted } from '../resources/change.ts'
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
  const { content } = resource
  return {
    state,
    kept,
    secrets: Object.fromEntries(
      Object.entries(resource.secrets).map(([name, reference]) => [
        name,
        async () => await readStored(() => textOf(repository, reference)),
      ]),
    ),
    ...(content === undefined
      ? {}
      : {
          content: {
            sizeBytes: content.sizeBytes,
            parts: () => storedParts(repository.content(content)),
            ...(bringing === undefined || content.sizeBytes === 0 ? {} : { elsewhere: bringing.of(content) }),
          },
        }),
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
