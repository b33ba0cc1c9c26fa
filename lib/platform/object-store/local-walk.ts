/** Walks the folder of a local store in ascending byte order of full keys, looking only into directories that can hold what is asked for. */
import { constants } from 'node:fs'
import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { errnoOf } from '../errno.ts'
import { isObjectKeySegment } from './object-key.ts'

/**
 * Keys of the regular files under `root` that begin with `prefix` and are greater than `after`, ascending. Holds the names of one directory
 * per level. Links and names that are no key's are passed over; what vanishes meanwhile is left out.
 *
 * Order: a directory `a` stands for keys that begin with `a/`, so it sorts as `a/`, after the files `a`, `a-b` and `a.b`, before `a0`.
 */
export async function* walkKeys(root: string, prefix: string, after: string | undefined): AsyncGenerator<string> {
  yield* walk(root, prefix.slice(0, prefix.lastIndexOf('/') + 1), prefix, after)
}

/** `directory` is empty or ends in a slash. */
async function* walk(
  root: string,
  directory: string,
  prefix: string,
  after: string | undefined,
): AsyncGenerator<string> {
  for (const key of await entries(join(root, directory))) {
    const path = directory + key
    if (!path.startsWith(prefix)) continue
    const isDirectory = path.endsWith('/')
    if (after !== undefined && path <= after && !(isDirectory && after.startsWith(path))) continue
    if (isDirectory) yield* walk(root, path, prefix, after)
    else yield path
  }
}

/** Names in one directory, ascending, those of directories with a slash at their end. */
async function entries(path: string): Promise<string[]> {
  try {
    const found = await readdir(path, { withFileTypes: true })
    const names: string[] = []
    for (const entry of found) {
      if (!isObjectKeySegment(entry.name)) continue
      if (entry.isFile()) names.push(entry.name)
      else if (entry.isDirectory()) names.push(`${entry.name}/`)
    }
    // Names are ASCII, so the order of code units is the order of bytes.
    return names.sort()
  } catch (error) {
    const errno = errnoOf(error)
    if (errno === 'ENOENT' || errno === 'ENOTDIR') return [] // nothing there yet, or pruned while we walked
    throw error
  }
}

/** Opens a file for reading without following a link in its last part, and without waiting on a pipe that somebody planted. */
export function openPlain(path: string): ReturnType<typeof open> {
  return open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
}
