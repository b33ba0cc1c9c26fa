/**
 * Goes to named entries of a home, one after the other, by handle and never through a link, and reads nothing on the way but where they lie. A directory that was looked at stays open
 * while what lies in it is looked at.
 */
import { TorikiError } from '../../errors.ts'
import { ENTRY_KIND, compareKeys, decodeKey, encodeKey, keyBelow, nameBelow } from '../../resources/key.ts'
import type { ResourceKey } from '../../resources/key.ts'
import type { Directory } from './directory.ts'
import { isEntryName } from './entry-name.ts'
import { classOf } from './system-failure.ts'
import { HANDLES_MAX, visitNamed } from './walk.ts'
import type { Visit, WalkOptions } from './walk.ts'

/**
 * What is not there, or lies behind a link or on another file system, is passed over. What is open is so until the next one. A promise among the visits is to be waited for before
 * the next one is asked for.
 * @throws TorikiError `home-unreadable` when a directory on the way may not be entered; SystemFailure. Closes everything but `home`, also when left early.
 */
export function* visitKeys(
  home: Directory,
  keys: AsyncIterator<readonly ResourceKey[]>,
  options: WalkOptions,
): Generator<Visit | Promise<void>, void, void> {
  const way = new OpenWay(home)
  let last: ResourceKey | undefined
  try {
    for (;;) {
      const batch = yield* arrived(keys.next())
      if (batch.done === true) return
      for (const key of batch.value) {
        if (last !== undefined && compareKeys(last, key) >= 0) throw new RangeError('keys must ascend')
        last = key
        if (key.equals(way.homeKey)) {
          way.listHome()
          yield { finding: 'entry', key, path: '', name: '', parent: home, stat: home.stat, directory: home }
          continue
        }
        const spot = way.to(key)
        if (spot === undefined) continue
        const { parent, name, path } = spot
        const soon = way.soon(name)
        if (soon !== undefined) yield soon
        const visit = visitNamed(path, key, parent, name, home, options)
        // Kept before it is shown, so that it is closed if this is where it ends.
        if (visit.directory !== undefined) way.add(key, name, path, visit.directory, visit.names)
        if (visit.stat !== undefined) yield visit
      }
    }
  } finally {
    way.close()
  }
}

/** What a promise gives, in a generator that does not wait itself. */
function* arrived<T>(promise: Promise<T>): Generator<Promise<void>, T, void> {
  let answer: { readonly value: T } | undefined
  const waiting = promise.then((value) => void (answer = { value }))
  for (;;) {
    yield waiting
    if (answer !== undefined) return answer.value
  }
}

interface Level {
  readonly key: ResourceKey
  readonly name: string
  readonly path: string
  /** `undefined` after it was let go of. */
  directory: Directory | undefined
  /** What is in it, where it was listed, and how far that was asked for. */
  names?: readonly string[] | undefined
  at: number
}

interface KeySpot {
  readonly parent: Directory
  readonly name: string
  readonly path: string
}

/** The directories from the home down to where the last key lies, open; the upper ones of a very deep way are let go of. */
class OpenWay {
  readonly homeKey = encodeKey(ENTRY_KIND)
  readonly #home: Directory
  readonly #levels: [Level, ...Level[]]
  /** A directory that is not there: what lies in it comes next, and is not looked for. */
  #missing: ResourceKey | undefined

  constructor(home: Directory) {
    this.#home = home
    this.#levels = [{ key: this.homeKey, name: '', path: '', directory: home, at: 0 }]
  }

  /** Keys ascend from call to call. `undefined`: what it lies in is not there, or it has a name that no entry has. */
  to(key: ResourceKey): KeySpot | undefined {
    if (this.#missing !== undefined && isBelow(key, this.#missing)) return undefined
    while (this.#levels.length > 1 && !isBelow(key, this.#last.key)) this.#levels.pop()?.directory?.close()
    if (!isBelow(key, this.#last.key)) return undefined
    let name = nameBelow(this.#last.key, key)
    if (name === undefined) {
      // Nobody asked for what lies between.
      const names = decodeKey(key).segments.map((segment) => segment.toString('latin1'))
      name = names.pop() as string
      if (!names.every(isEntryName)) return undefined
      for (const between of names.slice(this.#levels.length - 1)) if (!this.#enter(between)) return undefined
    }
    if (!isEntryName(name)) return undefined
    const parent = this.#directoryOf(this.#last)
    return parent && { parent, name, path: pathBelow(this.#last, name) }
  }

  /** A directory in the one that the last key lies in; it is closed here. */
  add(key: ResourceKey, name: string, path: string, directory: Directory, names?: readonly string[]): void {
    this.#levels.push({ key, name, path, directory, names, at: 0 })
    const upper = this.#levels[this.#levels.length - 1 - HANDLES_MAX]
    if (upper === undefined || upper === this.#levels[0]) return
    upper.directory?.close()
    upper.directory = undefined
  }

  /** Everything in it may be asked for. Only where answers are fetched ahead it is worth knowing what that is. */
  listHome(): void {
    if (this.#home.soon !== undefined) this.#levels[0].names = this.#home.names()
  }

  /** Something to wait for before this entry, to which `to` led, is looked at; `undefined`: nothing. */
  soon(name: string): Promise<void> | undefined {
    const level = this.#last
    const { names, directory } = level
    if (names === undefined || directory?.soon === undefined) return undefined
    while (level.at < names.length && (names[level.at] as string) < name) level.at++
    return names[level.at] === name ? directory.soon(name) : undefined
  }

  close(): void {
    for (const { directory } of this.#levels.splice(1)) directory?.close()
  }

  get #last(): Level {
    return this.#levels.at(-1) as Level
  }

  #enter(name: string): boolean {
    const above = this.#last
    const key = keyBelow(above.key, name)
    const parent = this.#directoryOf(above)
    if (parent === undefined) return false
    const inside = descendFrom(this.#home, parent, [name])
    if (inside === undefined) {
      this.#missing = key
      return false
    }
    this.add(key, name, pathBelow(above, name), inside)
    return true
  }

  /** Opened again if it was let go of. */
  #directoryOf(level: Level): Directory | undefined {
    level.directory ??= descend(
      this.#home,
      this.#levels.slice(1).map(({ name }) => name),
    )
    if (level.directory === undefined) this.#missing = level.key
    return level.directory
  }
}

function isBelow(key: ResourceKey, above: ResourceKey): boolean {
  const { length } = above
  return key.length > length && key[length] === 0 && above.compare(key, 0, length) === 0
}

function pathBelow({ path }: Level, name: string): string {
  return path === '' ? name : `${path}/${name}`
}

/** `undefined` when there is no such directory on this file system. The caller closes it, unless it is `home`. */
export function descend(home: Directory, names: readonly string[]): Directory | undefined {
  return descendFrom(home, home, names)
}

/** From another directory of the home down, which stays open. */
function descendFrom(home: Directory, from: Directory, names: readonly string[]): Directory | undefined {
  let directory = from
  try {
    for (const name of names) {
      const inside = directory.enter(name, undefined)
      if (directory !== from) directory.close()
      directory = inside
      if (directory.stat.device !== home.stat.device || directory.stat.mountPoint) {
        directory.close()
        return undefined
      }
    }
    return directory
  } catch (error) {
    if (directory !== from) directory.close()
    const failure = classOf(error)
    if (failure === 'gone') return undefined
    if (failure === 'denied') throw new TorikiError('home-unreadable', { cause: error })
    throw error
  }
}
