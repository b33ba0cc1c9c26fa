/**
 * The README's picture: what a terminal of 80 columns showed, as SVG. `--from` and `--to` cut at headings, and `--without` leaves one out.
 *
 *     script -qec 'stty cols 80; npm start' /tmp/demo.txt
 *     node test/kit/terminal-picture/main.ts --from Tuesday --without 'What changed' --to 'What was written' < /tmp/demo.txt > docs/images/demo.svg
 */
import { text as textOf } from 'node:stream/consumers'
import { parseArgs, stripVTControlCharacters } from 'node:util'

const [PLACE, LINE, LEFT, TOP, COLUMNS] = [8.43, 18, 16, 52, 80]
const COLOURS: Readonly<Record<string, string>> = { 31: '#ff7b72', 32: '#7ee787', 33: '#e3b341', 36: '#79c0ff' }

interface Look {
  readonly fill?: string
  readonly bold?: boolean
  readonly dim?: boolean
}

const { values } = parseArgs({
  options: { from: { type: 'string' }, to: { type: 'string' }, without: { type: 'string' } },
})
const recorded = await textOf(process.stdin)
process.stdout.write(picture(chosen(recorded.split('\n').map(asShown))))

/** What is left on the screen of a line that was written over. */
function asShown(line: string): string {
  return (
    line
      .replace(/\r+$/, '')
      .split(/\r|\u001b\[2K/)
      .at(-1) ?? ''
  )
}

function chosen(lines: readonly string[]): readonly string[] {
  const parts: { heading: string; lines: string[] }[] = []
  for (const line of lines) {
    const heading = /^── (.*?) ─*$/.exec(stripVTControlCharacters(line))?.[1]
    if (heading !== undefined) parts.push({ heading, lines: [] })
    parts.at(-1)?.lines.push(line)
  }
  const place = (name: string | undefined, other: number): number =>
    name === undefined ? other : parts.findIndex(({ heading }) => heading.startsWith(name))
  const kept = parts.slice(place(values.from, 0), place(values.to, parts.length))
  return kept
    .filter(({ heading }) => values.without === undefined || !heading.startsWith(values.without))
    .flatMap((part) => part.lines)
    .join('\n')
    .trimEnd()
    .split('\n')
}

function picture(lines: readonly string[]): string {
  const [width, height] = [Math.ceil(COLUMNS * PLACE + 2 * LEFT), TOP + lines.length * LINE + 4]
  const dots = ['#ff5f56', '#ffbd2e', '#27c93f'].map(
    (colour, index) => `<circle cx="${20 + index * 18}" cy="18" r="6" fill="${colour}"/>\n`,
  )
  const font =
    'font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,\'DejaVu Sans Mono\',monospace" font-size="14" fill="#c9d1d9" xml:space="preserve"'
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="The demo in a terminal"><rect width="100%" height="100%" rx="8" fill="#0d1117"/>\n`,
    ...dots,
    `<g ${font}>\n`,
    ...lines.flatMap((line, index) => texts(line, TOP + index * LINE)),
    '</g></svg>\n',
  ].join('')
}

/** One element per stretch of one look; blanks at its ends are left out. */
function texts(line: string, y: number): readonly string[] {
  const elements: string[] = []
  let [column, look]: [number, Look] = [0, {}]
  // oxlint-disable-next-line no-control-regex -- the codes of a terminal are what is read here
  for (const part of line.split(/(\u001b\[[0-9;]*m)/)) {
    // oxlint-disable-next-line no-control-regex
    const codes = /^\u001b\[([0-9;]*)m$/.exec(part)?.[1]
    if (codes !== undefined) {
      for (const code of codes.split(';')) look = lookAfter(look, code)
      continue
    }
    const text = part.trim()
    if (text !== '') {
      const at = column + part.length - part.trimStart().length
      const [x, length] = [(LEFT + at * PLACE).toFixed(1), (text.length * PLACE).toFixed(1)]
      elements.push(`<text x="${x}" y="${y}" textLength="${length}"${attributes(look)}>${escaped(text)}</text>\n`)
    }
    column += part.length
  }
  return elements
}

function lookAfter(look: Look, code: string): Look {
  if (code === '0' || code === '') return {}
  if (code === '1') return { ...look, bold: true }
  if (code === '2') return { ...look, dim: true }
  if (code === '22') return { ...look, bold: false, dim: false }
  const { fill: _, ...plain } = look
  const fill = COLOURS[code]
  return fill === undefined ? (code === '39' ? plain : look) : { ...plain, fill }
}

function attributes({ fill, bold, dim }: Look): string {
  return `${fill === undefined ? '' : ` fill="${fill}"`}${bold === true ? ' font-weight="bold"' : ''}${dim === true ? ' opacity="0.65"' : ''}`
}

function escaped(text: string): string {
  return text.replace(/[&<>]/g, (character) => `&#${character.charCodeAt(0)};`)
}
