/** The path template of the settings: `home/{user}`, `shared/{group}`, `claim-{user}`: where a member's directory lies beneath the root. */
import { TorikiError } from '../../errors.ts'
import { isLocalName } from '../../resources/slice.ts'

/** Segments are byte strings: the text's UTF-8 bytes, one character each. */
export interface PathTemplate {
  /** As it stands in the settings. */
  readonly text: string
  /** Fixed directories above the members'. */
  readonly above: readonly string[]
  readonly prefix: string
  readonly suffix: string
  /** Fixed directories below the one that carries the name. */
  readonly below: readonly string[]
}

/** @throws TorikiError `settings-invalid`, with the sentence that says what would be right. */
export function parseTemplate(text: string, placeholder: 'user' | 'group'): PathTemplate {
  const mark = `{${placeholder}}`
  const refuse = (why: string): TorikiError =>
    new TorikiError('settings-invalid', {
      message: `The path template ${JSON.stringify(text)} ${why}.`,
      remedy: `Write a path beneath the root with ${mark} once, such as ${placeholder === 'user' ? 'home/{user}' : 'shared/{group}'}.`,
    })
  if (!text.isWellFormed() || text.includes('\0')) throw refuse('holds a character that no path has')
  if (text.startsWith('/')) throw refuse('is not relative to the root')
  const segments = text.split('/')
  if (segments.some((segment) => segment === '' || segment === '.' || segment === '..'))
    throw refuse('has a segment that is empty, `.` or `..`')
  const pieces = text.split(mark)
  if (pieces.length !== 2) throw refuse(pieces.length < 2 ? `lacks ${mark}` : `has ${mark} more than once`)
  if (/[{}]/.test(pieces.join(''))) throw refuse(`has a brace that is not ${mark}`)
  const at = segments.findIndex((segment) => segment.includes(mark))
  const [prefix = '', suffix = ''] = (segments[at] ?? '').split(mark)
  return {
    text,
    above: segments.slice(0, at).map(toByteString),
    prefix: toByteString(prefix),
    suffix: toByteString(suffix),
    below: segments.slice(at + 1).map(toByteString),
  }
}

/** The name a member's directory stands for; `undefined` when the entry is none of this template's. */
export function memberName(template: PathTemplate, entry: string): Buffer | undefined {
  const { prefix, suffix } = template
  if (entry.length <= prefix.length + suffix.length || !entry.startsWith(prefix) || !entry.endsWith(suffix))
    return undefined
  const local = Buffer.from(entry.slice(prefix.length, entry.length - suffix.length), 'latin1')
  return isLocalName(local) ? local : undefined
}

/** The entry that carries a member's name. */
export function memberEntry(template: PathTemplate, local: Buffer): string {
  return template.prefix + local.toString('latin1') + template.suffix
}

/**
 * Entries that look like a member's directory and are none: `shared` among homes (Nebari's older releases mount it there), what file servers
 * and file systems put beside directories, and whatever leads to the members of the other template.
 */
export function isReserved(
  template: PathTemplate,
  placeholder: 'user' | 'group',
  entry: string,
  other: PathTemplate | undefined,
): boolean {
  if (RESERVED.has(entry)) return true
  if (placeholder === 'user' && entry === 'shared') return true
  const depth = template.above.length
  return (
    other !== undefined &&
    other.above.length > depth &&
    template.above.every((segment, index) => other.above[index] === segment) &&
    other.above[depth] === entry
  )
}

/** Two templates that name the same directories cannot tell a user from a group. @throws TorikiError `settings-invalid`. */
export function refuseSame(home: PathTemplate, group: PathTemplate): void {
  const place = (template: PathTemplate): string =>
    JSON.stringify([template.above, template.prefix, template.suffix, template.below])
  if (place(home) === place(group)) {
    throw new TorikiError('settings-invalid', {
      message: 'The path templates of homes and shared directories name the same directories.',
      remedy: 'Give `files.home` and `files.group` different folders.',
    })
  }
}

const RESERVED = new Set(['lost+found', '.snapshot', '.snapshots', '.zfs'])

function toByteString(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1')
}
