/** Tables that fit: columns as wide as their widest cell, the flexible ones cut with `…` until the row fits the terminal. */
import { stripVTControlCharacters } from 'node:util'

export interface Column<Row> {
  readonly heading: string
  readonly cell: (row: Row) => string
  readonly align?: 'right'
  /** May be cut, the largest first, down to 8 places. */
  readonly flexible?: boolean
  /** Colour, applied after cutting and padding. */
  readonly paint?: (text: string, row: Row) => string
}

const GAP = '  '
const FLEXIBLE_LEAST = 8

/** Lines without trailing blanks, heading first, each ended by a newline. No rows: no lines. */
export function formatTable<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  width: number,
  paintHeading: (text: string) => string = (text) => text,
): string {
  if (rows.length === 0) return ''
  const cells = rows.map((row) => columns.map((column) => column.cell(row)))
  const widths = columns.map((column, index) =>
    Math.max(displayWidth(column.heading), ...cells.map((line) => displayWidth(line[index] ?? ''))),
  )
  let surplus = widths.reduce((sum, one) => sum + one, 0) + GAP.length * (columns.length - 1) - width
  while (surplus > 0) {
    const widest = columns.reduce(
      (best, column, index) => (column.flexible === true && (widths[index] ?? 0) > (widths[best] ?? -1) ? index : best),
      -1,
    )
    const current = widths[widest] ?? 0
    if (widest === -1 || current <= FLEXIBLE_LEAST) break
    widths[widest] = current - 1
    surplus--
  }
  const line = (texts: readonly string[], paint: (text: string, index: number) => string): string =>
    texts
      .map((text, index) =>
        paint(pad(cut(text, widths[index] ?? 0), widths[index] ?? 0, columns[index]?.align === 'right'), index),
      )
      .join(GAP)
      .trimEnd()
  const heading = line(
    columns.map((column) => column.heading),
    (text) => text,
  )
  const body = rows.map((row, index) => line(cells[index] ?? [], (text, at) => columns[at]?.paint?.(text, row) ?? text))
  return [paintHeading(heading), ...body].map((text) => `${text}\n`).join('')
}

/** Cuts to `width` places, ending in `…` when something was lost. */
export function cut(text: string, width: number): string {
  if (displayWidth(text) <= width) return text
  let kept = ''
  for (const { segment } of graphemes.segment(text)) {
    if (displayWidth(kept + segment) > width - 1) break
    kept += segment
  }
  return `${kept}…`
}

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' })
// East Asian wide and emoji take two places; good enough for names of people.
const WIDE =
  /\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Script=Hangul}|\p{Emoji_Presentation}|[\uff01-\uff60]/u

/** Places a text takes on a terminal. */
export function displayWidth(text: string): number {
  let places = 0
  for (const { segment } of graphemes.segment(stripVTControlCharacters(text))) places += WIDE.test(segment) ? 2 : 1
  return places
}

/** Text broken at blanks to lines of `width` places, each begun by `indent`. */
export function wrap(text: string, width: number, indent = ''): string {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(/\s+/)) {
    if (line !== '' && displayWidth(indent + line) + 1 + displayWidth(word) > width) {
      lines.push(indent + line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  lines.push(indent + line)
  return lines.map((one) => `${one}\n`).join('')
}

function pad(text: string, width: number, right: boolean): string {
  const blanks = ' '.repeat(Math.max(0, width - displayWidth(text)))
  return right ? blanks + text : text + blanks
}
