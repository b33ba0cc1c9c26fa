/** Goes to named entries of a home, one after the other, by handle and never through a link, and reads nothing on the way but where they lie. */
import { TorikiError } from '../../errors.ts'
import { ENTRY_KIND, compareKeys, decodeKey, encodeKey } from '../../resources/key.ts'
import type { ResourceKey } from '../../resources/key.ts'
import type { Directory } from './directory.ts'
import { isEntryName } from './entry-name.ts'
import { classOf } from './system-failure.ts'
import { visitEntry } from './walk.ts'
import type { Visit, WalkOptions } from './walk.ts'

/**
 * What is not there, or lies behind a link or on another file system, is passed over. What is open is so until the next one.
 * @throws TorikiError `home-unreadable` when a directory on the way may not be entered; SystemFailure. Closes everything but `home`, also when left early.
 */
export async function* visitKeys(
  home: Directory,
  keys: AsyncIterable<ResourceKey>,
  options: WalkOptions,
): AsyncGenerator<Visit, void, void> {
  let parent = home
  let path = ''
  /** A directory that is not there, with a stroke behind: what lies in it comes next, and is not looked for. */
  let missing: string | undefined
  let last: ResourceKey | undefined
  try {
    for await (const key of keys) {
      if (last !== undefined && compareKeys(last, key) >= 0) throw new RangeError('keys must ascend')
      last = key
      const names = decodeKey(key).segments.map((segment) => segment.toString('latin1'))
      const name = names.pop()
      if (name === undefined) {
        yield { finding: 'entry', key, path: '', name: '', parent: home, stat: home.stat, directory: home }
        continue
      }
      if (![...names, name].every(isEntryName)) continue
      // Siblings follow each other: the directory that they lie in stays open.
      const at = names.join('/')
      if (missing !== undefined && `${at}/`.startsWith(missing)) continue
      if (at !== path) {
        if (parent !== home) parent.close()
        ;[parent, path] = [home, '']
        const found = descend(home, names)
        if (found === undefined) {
          missing = `${at}/`
          continue
        }
        ;[parent, path] = [found, at]
      }
      const above = { path, key: keyOf(names) }
      const visit = visitEntry(above, parent, name, home, options)
      if (visit.stat !== undefined) {
        try {
          yield visit
        } finally {
          visit.directory?.close()
        }
      }
    }
  } finally {
    if (parent !== home) parent.close()
  }
}

/** `undefined` when there is no such directory on this file system. The caller closes it, unless it is `home`. */
export function descend(home: Directory, names: readonly string[]): Directory | undefined {
  let directory = home
  try {
    for (const name of names) {
      const inside = directory.enter(name, undefined)
      if (directory !== home) directory.close()
      directory = inside
      if (directory.stat.device !== home.stat.device || directory.stat.mountPoint) {
        directory.close()
        return undefined
      }
    }
    return directory
  } catch (error) {
    if (directory !== home) directory.close()
    const failure = classOf(error)
    if (failure === 'gone') return undefined
    if (failure === 'denied') throw new TorikiError('home-unreadable', { cause: error })
    throw error
  }
}

function keyOf(names: readonly string[]): ResourceKey {
  return encodeKey(
    ENTRY_KIND,
    names.map((name) => Buffer.from(name, 'latin1')),
  )
}
