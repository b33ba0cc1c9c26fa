/** What is many and cheap goes from hand to hand in batches: each by itself would be waited for. */
import type { ComponentWriter, WriteContext } from '../components/writer.ts'
import type { ResourceKey } from '../resources/key.ts'
import type { Resource } from '../resources/resource.ts'
import type { Slice } from '../resources/slice.ts'

const BATCH_MAX = 256

/** As the writer likes it best. */
export function lookInBatches(
  writer: ComponentWriter,
  slice: Slice,
  keys: AsyncIterable<readonly ResourceKey[]>,
  context: WriteContext,
): AsyncIterable<Resource | readonly Resource[]> {
  return writer.lookBatches?.(slice, keys, context) ?? writer.look(slice, each(keys), context)
}

export async function* each<T>(batches: AsyncIterable<readonly T[]>): AsyncGenerator<T> {
  for await (const batch of batches) yield* batch
}

export async function* inBatches<T>(all: AsyncIterable<T>): AsyncGenerator<readonly T[]> {
  let batch: T[] = []
  for await (const one of all) {
    batch.push(one)
    if (batch.length < BATCH_MAX) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}
