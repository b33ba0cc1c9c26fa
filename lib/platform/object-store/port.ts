/**
 * The object store, as the house needs it: create-only objects under `/`-separated keys of [A-Za-z0-9._-].
 *
 * Promises: a created object is durable and visible to every later get and list (read after write); `create` of an existing key fails with
 * `object-exists` and changes nothing, also when 20 race; an object is never partly visible; listing is in ascending byte order of keys.
 * An answer may be lost: after an error other than `object-exists` the object may or may not be there.
 */

/** Most objects on one page of a listing, on every driver. */
export const LIST_PAGE_MAX = 1000

export interface ObjectInfo {
  readonly key: string
  readonly sizeBytes: number
  /** By the store's clock. */
  readonly modifiedAt: Date
}

export interface ListPage {
  readonly objects: readonly ObjectInfo[]
  /** Pass as `after` for the next page; absent on the last. */
  readonly next?: string
  /** The store's clock when it answered. */
  readonly at: Date
}

export interface ByteRange {
  readonly offset: number
  readonly length: number
}

export interface ListOptions {
  /** Any text, not only a key. */
  readonly after?: string
  /** No more in the page than so many, at least 1: for whoever wants the first ones only. */
  readonly max?: number
}

export interface ObjectStore {
  /**
   * Creates the object. @throws TorikiError `object-exists` (something is there; nothing changed), `store-unavailable` (try again; it may have
   * succeeded), `store-refused`, `store-full`.
   */
  create(key: string, body: Uint8Array): Promise<void>
  /**
   * The whole object, or a range of it. A range that passes the end gives what is there, at worst nothing: whoever asked checks the length.
   * @throws TorikiError `object-not-found`; `object-too-large`, before memory is taken, when the answer would be longer than `bytesMax`
   * (OBJECT_BYTES_MAX when not given).
   */
  get(key: string, options?: { readonly range?: ByteRange; readonly bytesMax?: number }): Promise<Buffer>
  /** One page of the keys that begin with `prefix` (which may end inside a segment) and are greater than `after`, ascending. */
  list(prefix: string, options?: ListOptions): Promise<ListPage>
  /** Removes the object; no error when it is not there. Only prune, forget and erase call this. */
  delete(key: string): Promise<void>
}

/** Every object under `prefix`, page by page. */
export async function* listAll(store: ObjectStore, prefix: string): AsyncGenerator<ObjectInfo> {
  let after: string | undefined
  do {
    const page: ListPage = await store.list(prefix, after === undefined ? {} : { after })
    yield* page.objects
    after = page.next
  } while (after !== undefined)
}
