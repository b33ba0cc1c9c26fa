/**
 * Walks a directory depth-first, siblings ascending by bytes: that is key order (`lib/resources/key.ts`). By handle only, never through a link,
 * never onto another file system. Holds one list of names per level, and a bounded number of handles however deep the tree.
 */
import { ENTRY_KIND, compareKeys, encodeKey, keyBelow } from '../../resources/key.ts'
import type { ResourceKey } from '../../resources/key.ts'
import type { Directory, OpenFile } from './directory.ts'
import type { EntryStat, EntryType } from './entry-stat.ts'
import { classOf } from './system-failure.ts'

/**
 * `entry`: all is well. `left-out`: excluded, not opened, not entered. `vanished`: gone, or replaced again and again. `unreadable`, `damaged`:
 * looked at (when there is a `stat`) but not opened. `other-file-system`, `too-deep`: looked at and not entered.
 */
export type Finding = 'entry' | 'left-out' | 'vanished' | 'unreadable' | 'damaged' | 'other-file-system' | 'too-deep'

/** One stop of a walk. What is open is so until the next stop. */
export interface Visit {
  readonly finding: Finding
  readonly key: ResourceKey
  /** Beneath the home, a byte string; empty for the home itself. */
  readonly path: string
  readonly name: string
  /** What it stands in; the home itself stands in itself. */
  readonly parent: Directory
  readonly stat?: EntryStat
  /** Of a directory that will be entered. */
  readonly directory?: Directory
  /** Of a regular file, when `opensFile` asked for it. Whoever takes the visit closes it. */
  readonly file?: OpenFile
  /** Of a link. */
  readonly target?: Buffer
}

export interface WalkOptions {
  /** Begin with the first entry after this one: segments as byte strings. Earlier directories are not listed. */
  readonly after?: readonly string[]
  /** Is this entry to be left out, with all beneath it? */
  readonly leavesOut?: (path: string, type: EntryType, target: Buffer | undefined) => boolean
  /** Shall this regular file be opened? Nobody's is, by default. */
  readonly opensFile?: (stat: EntryStat) => boolean
}

/** A path longer than this is recorded and not entered: a key stays within bounds, however deep somebody digs. Four times what one call takes. */
export const PATH_BYTES_MAX = 16_384
/** Handles held for the levels above; a deeper walk lets go of the upper ones and comes back by `..`. */
export const HANDLES_MAX = 64
/** An entry that is replaced between look and open is looked at again so often: editors save by renaming. */
const TRIES_MAX = 5

interface Level {
  /** `undefined` after it was let go of. */
  directory: Directory | undefined
  readonly stat: EntryStat
  readonly name: string
  readonly path: string
  readonly key: ResourceKey
  readonly names: readonly string[]
  next: number
  /** What is left of `after` below here. */
  resume: readonly string[]
}

/** @throws SystemFailure when the home itself cannot be listed, or the machine is exhausted. Closes everything but `home`, also when left early. */
export function* walk(home: Directory, options: WalkOptions = {}): Generator<Visit, void, void> {
  // Where somebody fetches answers ahead they are not waited for here: they are asked for again.
  for (const visit of walkSoon(home, options)) if (!(visit instanceof Promise)) yield visit
}

/** The same; a promise among the visits is to be waited for before the next one is asked for, and nothing is lost but time where it is not. */
export function* walkSoon(home: Directory, options: WalkOptions = {}): Generator<Visit | Promise<void>, void, void> {
  const key = encodeKey(ENTRY_KIND)
  const levels: Level[] = [
    { directory: home, stat: home.stat, name: '', path: '', key, names: home.names(), next: 0, resume: [] },
  ]
  try {
    if (options.after === undefined)
      yield { finding: 'entry', key, path: '', name: '', parent: home, stat: home.stat, directory: home }
    else resumeAt(levels[0] as Level, options.after)
    for (;;) {
      const level = levels.at(-1)
      if (level === undefined) return
      if (level.directory === undefined) {
        // Moved away while we were below it: what it still held is not read, and that is said.
        levels.pop()
        yield { finding: 'vanished', key: level.key, path: level.path, name: level.name, parent: home }
        reopen(levels, undefined)
        continue
      }
      const name = level.names[level.next]
      if (name === undefined) {
        levels.pop()
        reopen(levels, level.directory)
        if (level.directory !== home) level.directory.close()
        continue
      }
      level.next++
      const { resume } = level
      const seenBefore = resume.length > 0 && resume[0] === name
      level.resume = NOTHING
      const soon = level.directory.soon?.(name)
      if (soon !== undefined) yield soon
      const visit = visitEntry(level, level.directory, name, home, options)
      if (visit.directory !== undefined && visit.names !== undefined && visit.stat !== undefined) {
        // Kept before it is shown, so that it is closed if this is where the walk is left.
        const below: Level = {
          directory: visit.directory,
          stat: visit.stat,
          name,
          path: visit.path,
          key: visit.key,
          names: visit.names,
          next: 0,
          resume: NOTHING,
        }
        if (seenBefore && resume.length > 1) resumeAt(below, resume.slice(1))
        levels.push(below)
        letGo(levels)
      }
      if (!seenBefore) yield visit
      else visit.file?.close()
    }
  } finally {
    for (const level of levels) if (level.directory !== home) level.directory?.close()
  }
}

/** Looks at what a walk that opens no files has just shown, and opens it. */
export function openVisited({ parent, name, path, key }: Visit, home: Directory, options: WalkOptions): Visit {
  return visitNamed(path, key, parent, name, home, options)
}

/** One entry of `parent`, whose path and key are those of `level`: looks, opens what is to be opened, and looks once more where something was replaced in between. */
export function visitEntry(
  level: Pick<Level, 'path' | 'key'>,
  parent: Directory,
  name: string,
  home: Directory,
  options: WalkOptions,
): Found {
  const path = level.path === '' ? name : `${level.path}/${name}`
  return visitNamed(path, keyBelow(level.key, name), parent, name, home, options)
}

/** What is in it besides, of a directory that will be entered. */
interface Found extends Visit {
  readonly names?: readonly string[]
}

const NOTHING: readonly string[] = []

/** The same, of an entry whose path and key are known. */
export function visitNamed(
  path: string,
  key: ResourceKey,
  parent: Directory,
  name: string,
  home: Directory,
  options: WalkOptions,
): Found {
  for (let tries = 1; ; tries++) {
    let stat: EntryStat | undefined
    try {
      stat = parent.look(name)
      const { type } = stat
      if (type === 'link') {
        const target = parent.readLink(name)
        const finding = findingOf(path, stat, target, home, options)
        return { finding, key, path, name, parent, stat, target }
      }
      const finding = findingOf(path, stat, undefined, home, options)
      if (finding !== 'entry') return { finding, key, path, name, parent, stat }
      if (type === 'directory') {
        const directory = parent.enter(name, stat)
        try {
          return { finding, key, path, name, parent, stat: directory.stat, directory, names: directory.names() }
        } catch (error) {
          directory.close()
          throw error
        }
      }
      if (type === 'file' && options.opensFile?.(stat) === true) {
        const file = parent.openFile(name, stat)
        return { finding, key, path, name, parent, stat: file.stat, file }
      }
      return { finding, key, path, name, parent, stat }
    } catch (error) {
      const failure = classOf(error)
      if (failure === 'exhausted') throw error
      if (failure === 'gone' && tries < TRIES_MAX) continue
      const finding = failure === 'gone' ? 'vanished' : failure === 'denied' ? 'unreadable' : 'damaged'
      const common = { finding, key, path, name, parent } as const
      return stat === undefined || failure === 'gone' ? common : { ...common, stat }
    }
  }
}

function findingOf(
  path: string,
  stat: EntryStat,
  target: Buffer | undefined,
  home: Directory,
  { leavesOut }: WalkOptions,
): Finding {
  if (leavesOut?.(path, stat.type, target) === true) return 'left-out'
  if (stat.mountPoint || stat.device !== home.stat.device) return 'other-file-system'
  return stat.type === 'directory' && path.length > PATH_BYTES_MAX ? 'too-deep' : 'entry'
}

/** Skips what comes before `after`; the entry that leads to it, or is it, is entered but not shown again. */
function resumeAt(level: Level, after: readonly string[]): void {
  const first = after[0]
  if (first === undefined) return
  const at = level.names.findIndex((name) => name >= first)
  level.next = at === -1 ? level.names.length : at
  level.resume = level.names[level.next] === first ? after : []
}

function letGo(levels: readonly Level[]): void {
  const level = levels[levels.length - 1 - HANDLES_MAX]
  if (level === undefined || levels[0] === level) return
  level.directory?.close()
  level.directory = undefined
}

/** Opens the last level again if it was let go of: from the level below by `..`, else from the home, name by name. Leaves it closed when it is not there any more. */
function reopen(levels: readonly Level[], below: Directory | undefined): void {
  const level = levels.at(-1)
  if (level === undefined || level.directory !== undefined) return
  try {
    level.directory = below?.leave(level.stat)
  } catch (error) {
    if (classOf(error) === 'exhausted') throw error
  }
  level.directory ??= descend(levels)
}

function descend(levels: readonly Level[]): Directory | undefined {
  const home = levels[0]?.directory
  let directory = home
  try {
    for (const level of levels.slice(1)) {
      const inside = directory?.enter(level.name, level.stat)
      if (directory !== home) directory?.close()
      directory = inside
    }
    return directory
  } catch (error) {
    if (directory !== home) directory?.close()
    if (classOf(error) === 'exhausted') throw error
    return undefined
  }
}

/** Does what is asked for end before this visit? Then nothing of it stays open. */
export function endsBefore({ key, file }: Visit, until: ResourceKey | undefined): boolean {
  if (until === undefined || compareKeys(key, until) <= 0) return false
  file?.close()
  return true
}

/** A regular file, and nothing is amiss with it. */
export function isFile({ finding, stat }: Visit): boolean {
  return finding === 'entry' && stat?.type === 'file'
}

/** A larger file has no exact size. */
export function isReadable({ sizeBytes }: EntryStat): boolean {
  return Number.isSafeInteger(sizeBytes)
}
