/** What a key of the store may look like, on every driver: nothing here can leave a folder or collide with a driver's own files. */
import assert from 'node:assert/strict'

/** S3's own bound on a key. */
const KEY_BYTES_MAX = 1024
/** The bound of file systems on one name. */
const SEGMENT_BYTES_MAX = 255
/** No segment begins with a dot: `.` and `..` would climb, `.tmp` is the local driver's, `.nfs…` the file system's. */
const SEGMENT = /^[A-Za-z0-9_-][A-Za-z0-9._-]*$/

export function isObjectKeySegment(segment: string): boolean {
  return segment.length <= SEGMENT_BYTES_MAX && SEGMENT.test(segment)
}

export function isObjectKey(key: string): boolean {
  return key.length <= KEY_BYTES_MAX && key.split('/').every(isObjectKeySegment)
}

/** @throws AssertionError: keys are made by us from ids that were checked at the edge, so a bad one is a mistake in the house. */
export function assertObjectKey(key: string): void {
  assert(isObjectKey(key), `not a key: ${JSON.stringify(key.slice(0, KEY_BYTES_MAX))}`)
}

/** A prefix is the beginning of a key, cut anywhere; the empty one is the whole store. @throws AssertionError. */
export function assertObjectPrefix(prefix: string): void {
  const cut = prefix.lastIndexOf('/')
  const last = prefix.slice(cut + 1)
  const fine =
    (cut < 0 || isObjectKey(prefix.slice(0, cut))) &&
    (last === '' || isObjectKeySegment(last)) &&
    prefix.length <= KEY_BYTES_MAX
  assert(fine, `not a prefix: ${JSON.stringify(prefix.slice(0, KEY_BYTES_MAX))}`)
}
