/** What would come of a change here. Asks the file system, and writes nothing. */
import type { Change, Wanted } from '../../../resources/change.ts'
import type { JsonObject } from '../../../resources/json.ts'
import type { Forecast } from '../../writer.ts'
import type { Directory } from '../directory.ts'
import { failureOf } from '../system-failure.ts'
import { openFirstName } from './first-name.ts'
import { membersOf } from './members.ts'
import { PathMarks } from './path-marks.ts'
import { predict } from './predict.ts'
import type { Here } from './predict.ts'
import type { Powers } from './powers.ts'
import type { Spot } from './spot.ts'
import { readWish } from './wish.ts'

/** So many at most. Beyond it, what a change counts on is believed. */
const REMEMBERED_MAX = 1_000_000
const NAME_BYTES_MAX = 255
const DIRECTORY = 'directory'

const REASONS = {
  'not-an-entry': 'What is stored is no entry that a file system has.',
  'special-file': 'A socket or a device is not made again: the program that needs it makes it.',
  'needs-koffi': 'A FIFO is made only where koffi can load.',
  'other-file-system': 'Another file system was mounted there: mount it again.',
  'content-not-kept': 'Its content, or a part of it, could not be read when it was backed up.',
  'no-directory': 'The directory it lies in is not there and is not restored with it: restore that one too.',
  'not-empty': 'A directory with something in it stands there: move it away first.',
  'first-name-missing':
    'The file that it is another name of is not there and is not restored with it: restore that too.',
} as const

/** What one plan has asked about so far: changes count on those before them. */
export class Foreseen {
  readonly #made = new PathMarks()
  /** The directory that was found last: siblings ask for the same. */
  #found: readonly string[] | undefined

  will(names: readonly string[], what: string): void {
    if (this.#made.size < REMEMBERED_MAX) this.#made.add(names, names.length, what)
  }

  isMade(names: readonly string[], what: string): boolean {
    return this.#isMade(names, names.length, what)
  }

  /** Will the directory be there that it lies in? */
  isDirectoryMade(names: readonly string[]): boolean {
    const depth = names.length - 1
    if (this.#found !== undefined && isWay(this.#found, names, depth)) return true
    const isMade = this.#isMade(names, depth, DIRECTORY)
    if (isMade) this.#found = names.slice(0, depth)
    return isMade
  }

  #isMade(names: readonly string[], depth: number, what: string): boolean {
    return this.#made.size >= REMEMBERED_MAX || this.#made.has(names, depth, what)
  }
}

export interface ForeseeContext {
  readonly foreseen: Foreseen
  readonly names: readonly string[]
  readonly isNative: boolean
  readonly powers: Powers
}

/**
 * Does what comes of the change hang on nothing but its own words and on the directory that it lies in, which this plan has been told of? Then nobody needs to look again:
 * a home may have a million files.
 */
export function isForeseenBySibling({ before, after }: Change, { foreseen, names }: ForeseeContext): boolean {
  if (before !== undefined || after === undefined || names.length === 0) return false
  const { attributes, hardLinkTo } = after.state
  return attributes === undefined && hardLinkTo === undefined && foreseen.isDirectoryMade(names)
}

/** `spot`: absent when the directory that it would lie in is not there; so it may be where `isForeseenBySibling`. @throws SystemFailure. */
export function foresee(
  spot: Spot | undefined,
  nearest: Directory | undefined,
  { before, after }: Change,
  context: ForeseeContext,
): Forecast {
  if (after === undefined) return { kind: 'will', keeps: false, lost: [], needsPerson: [], privileged: false }
  const { foreseen, names, isNative } = context
  const { state, lost } = predict(after.state, before?.state, hereAt(nearest, context))
  const wish = readWish(state)
  const { type } = after.state
  if (after.state['otherFileSystem'] === true) return cannot('other-file-system')
  if (type === 'socket' || type === 'character-device' || type === 'block-device' || type === 'unknown')
    return cannot('special-file')
  if (wish === undefined || (names.at(-1) ?? '').length > NAME_BYTES_MAX) return cannot('not-an-entry')
  if (type === 'fifo' && !isNative) return cannot('needs-koffi')
  if (type === 'file' && wish.hardLinkTo === undefined && !hasContent(after, wish.sizeBytes))
    return cannot('content-not-kept')
  if (spot === undefined && (names.length === 0 || !foreseen.isDirectoryMade(names))) return cannot('no-directory')
  if (spot !== undefined && before?.state['type'] === 'directory' && type !== 'directory' && !isEmpty(spot))
    return cannot('not-empty')
  // Those beside it need not look whether it is there.
  if (spot !== undefined && names.length > 0) foreseen.will(names.slice(0, -1), DIRECTORY)
  if (wish.hardLinkTo !== undefined && !foreseen.isMade(wish.hardLinkTo, wordsOf(state))) {
    const first = spot === undefined ? undefined : openFirstName(spot, wish.hardLinkTo, membersOf(state))
    first?.close()
    if (first === undefined) return cannot('first-name-missing')
  }
  if (type === 'directory') foreseen.will(names, DIRECTORY)
  if (type === 'file' && wish.hardLinkTo === undefined) foreseen.will(names, wordsOf(state))
  return { kind: 'will', state, keeps: false, lost, needsPerson: [], privileged: false }
}

export function hereAt(
  nearest: Directory | undefined,
  { isNative, powers }: Pick<ForeseeContext, 'isNative' | 'powers'>,
): Here {
  return { isNative, powers, keepsAttribute: (name) => nearest === undefined || keepsAttribute(nearest, name) }
}

/** Asked by reading: a file system without attributes of that sort says so, one that has them says that there is none. */
function keepsAttribute(directory: Directory, name: string): boolean {
  try {
    directory.native?.readAttribute(directory.attributeTarget(), name, 0)
    return true
  } catch (error) {
    const code = failureOf(error)?.code
    if (code === undefined) throw error
    return code !== 'ENOTSUP'
  }
}

/** What two names of one file have in common. Asked of every file. */
function wordsOf({ mode, uid, gid, mtime, size, attributes }: JsonObject): string {
  return JSON.stringify([mode, uid, gid, mtime, size, attributes])
}

function hasContent(after: Wanted, sizeBytes: number): boolean {
  return after.state['unreadable'] !== true && (after.content?.sizeBytes ?? 0) === sizeBytes
}

function isEmpty({ parent, name }: Spot): boolean {
  const directory = parent.enter(name, undefined)
  try {
    return directory.names().length === 0
  } finally {
    directory.close()
  }
}

function cannot(code: keyof typeof REASONS): Forecast {
  return { kind: 'cannot', code, reason: REASONS[code] }
}

function isWay(way: readonly string[], names: readonly string[], depth: number): boolean {
  if (way.length !== depth) return false
  for (let at = depth - 1; at >= 0; at--) if (way[at] !== names[at]) return false
  return true
}
