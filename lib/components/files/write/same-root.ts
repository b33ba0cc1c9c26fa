/**
 * What a restore writes to is what it began with. A volume that goes away in the middle leaves its mount point behind, and what lies there must neither be written to nor
 * pass for an emptied home.
 */
import { TorikiError } from '../../../errors.ts'
import { canonicalJson } from '../../../resources/json.ts'
import type { Directory } from '../directory.ts'
import { identityOf } from '../root.ts'

/** Restores that are remembered at once. */
const REMEMBERED_MAX = 64

export class SameRoot {
  readonly #known = new Map<string, Map<string, string>>()

  /**
   * `part`: the root, the directory above the homes, or a home; `directory` is `undefined` for a home that is no volume of its own.
   * @throws TorikiError `root-missing` (may pass: it is mounted again) when it is another than at first; SystemFailure.
   */
  prove(restore: string, part: string, directory: Directory | undefined): void {
    const identity = directory === undefined ? '' : canonicalJson(identityOf(directory))
    const parts = this.#partsOf(restore)
    const first = parts.get(part)
    if (first === undefined) parts.set(part, identity)
    else if (first !== identity)
      throw new TorikiError('root-missing', {
        message: 'The files lie on another file system than when the restore began.',
        remedy: 'Mount the volume again.',
        retry: 'later',
      })
  }

  #partsOf(restore: string): Map<string, string> {
    const known = this.#known.get(restore)
    if (known !== undefined) return known
    const [oldest] = this.#known.keys()
    if (oldest !== undefined && this.#known.size >= REMEMBERED_MAX) this.#known.delete(oldest)
    const parts = new Map<string, string>()
    this.#known.set(restore, parts)
    return parts
  }
}
