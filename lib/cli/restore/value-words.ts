/** What a field was and will be, in words: `email: ann@old → ann@new`, `groups: + projects/p1 − users`. Nothing a user wrote reaches the terminal raw. */
import type { JsonValue } from '../../resources/json.ts'
import type { ShownValue } from '../../restore/shown-values.ts'
import { formatBytes, formatTime } from '../quantities.ts'

/** One phrase per difference: those whose values are known, then the others by name alone. */
export function differenceWords(fields: readonly string[], values: readonly ShownValue[]): readonly string[] {
  const known = new Map(values.map((value) => [value.field, value]))
  const hasContent = fields.includes('content')
  const phrases: string[] = []
  const bare: string[] = []
  // A new content has another size and another time: said once.
  if (hasContent) phrases.push(contentWords(known.get('size')))
  for (const field of fields) {
    if (field === 'content' || (hasContent && (field === 'size' || field === 'mtime'))) continue
    const value = known.get(field)
    if (field.startsWith('secrets.')) bare.push(`secret ${field.slice('secrets.'.length)}`)
    else if (value === undefined) bare.push(shownText(field))
    else phrases.push(`${shownText(field)}${change(value)}`)
  }
  return bare.length === 0 ? phrases : [...phrases, bare.join(', ')]
}

/** Without control characters and what turns the direction of text. */
export function shownText(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (character) =>
    Array.from(Buffer.from(character), (byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  )
}

function contentWords(size: ShownValue | undefined): string {
  return typeof size?.was === 'number' && typeof size.will === 'number'
    ? `content: ${formatBytes(size.was)} → ${formatBytes(size.will)}`
    : 'content'
}

function change({ field, was, will, comes, goes }: ShownValue): string {
  if (comes === undefined || goes === undefined) return `: ${words(field, was)} → ${words(field, will)}`
  const lists = [...comes.map((one) => `+ ${words(field, one)}`), ...goes.map((one) => `− ${words(field, one)}`)]
  return lists.length === 0 ? ': another order' : `: ${lists.join(' ')}`
}

function words(field: string, value: JsonValue | undefined): string {
  if (value === undefined || value === null) return 'none'
  if (value === true) return 'yes'
  if (value === false) return 'no'
  if (field === 'mtime' && typeof value === 'string' && /^-?\d{1,19}$/.test(value)) return timeOf(value)
  if (typeof value === 'number') return String(value)
  if (typeof value === 'string') return value === '' ? '""' : shownText(value)
  if (Array.isArray(value) && value.every((one) => typeof one === 'string'))
    // A group's path, or a list of words.
    return field === 'groups' ? shownText(`/${value.join('/')}`) : shownText(value.join(', ')) || 'none'
  return shownText(JSON.stringify(value))
}

/** Nanoseconds since 1970, as people read a time. */
function timeOf(nanoseconds: string): string {
  const time = new Date(Number(BigInt(nanoseconds) / 1_000_000n))
  return Number.isNaN(time.getTime()) ? nanoseconds : `${formatTime(time.toISOString())} UTC`
}
