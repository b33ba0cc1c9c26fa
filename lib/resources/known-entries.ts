/**
 * What a component may ask about the resources that are stored already, so that what did not change need not be read again. A *hint* is a few bytes by which the component
 * tells whether a resource is as it was (an inode, its times); nobody else reads them, and they are never compared with another source's.
 */
import type { ResourceKey } from './key.ts'

export interface KnownEntries {
  /**
   * Is the resource of this key stored, whole, and was it seen with this very hint? Keys ascend from call to call. After `true` the component yields it as
   * `{ key, state: {}, unchanged: true }`, in the order it asked.
   */
  matches(key: ResourceKey, hint: Uint8Array): boolean | Promise<boolean>
}
