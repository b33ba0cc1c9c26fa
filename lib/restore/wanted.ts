/** What stands in a snapshot, as something wanted or seen. Contents and secrets are opened when they are asked for. */
import { buffer } from 'node:stream/consumers'
import type { SliceRepository, StoredResource } from '../repository/repository.ts'
import type { Seen, Wanted } from '../resources/change.ts'

export async function seenOf(repository: SliceRepository, resource: StoredResource): Promise<Seen> {
  return await repository.body(resource)
}

export async function wantedOf(repository: SliceRepository, resource: StoredResource): Promise<Wanted> {
  const { state, kept } = await repository.body(resource)
  const { content } = resource
  return {
    state,
    kept,
    secrets: Object.fromEntries(
      Object.entries(resource.secrets).map(([name, reference]) => [
        name,
        async () => await textOf(repository, reference),
      ]),
    ),
    ...(content === undefined
      ? {}
      : { content: { sizeBytes: content.sizeBytes, parts: () => repository.content(content) } }),
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
