/** Everything here rests on objects that are created once. A store that takes a second create is found before anything of worth lies in it. */
import { isTorikiError, TorikiError } from '../errors.ts'
import type { ObjectStore } from '../platform/object-store/port.ts'

/** What is tried on is small. */
const TRIED_BYTES_MAX = 4 * 1024 * 1024
/** A create that was tried again after a lost answer takes the object for its own: only one that succeeds so often in a row says something of the store. */
const TRIES = 3

/**
 * Creates an object that is there once more, of the very same bytes: a store that keeps its promise refuses and stays as it is; in one that does not, the same bytes stand
 * there afterwards. So this writes nothing new, and shows the right to create as well.
 * @throws TorikiError `store-refused` when the store takes it, or this role may not create there; `object-not-found`; what the store throws.
 */
export async function requireCreateOnly(store: ObjectStore, key: string): Promise<void> {
  const bytes = await store.get(key, { bytesMax: TRIED_BYTES_MAX })
  for (let tries = 0; tries < TRIES; tries++) {
    try {
      await store.create(key, bytes)
    } catch (error) {
      if (isTorikiError(error, 'object-exists')) return
      throw error
    }
  }
  throw new TorikiError('store-refused', {
    message: 'The store writes over what is there: it ignores conditional PUTs (`If-None-Match: *`).',
    remedy: 'Use a store that keeps them, such as S3: without them two writers destroy each other’s work.',
    ids: { key },
  })
}
