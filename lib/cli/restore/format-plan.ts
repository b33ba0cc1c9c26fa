/** A plan as people read it: from when, how much of which component, the first differences in words, and everything that does not go as one might think. */
import { formatKey } from '../../resources/key.ts'
import { formatBytes, formatCount, plural } from '../quantities.ts'
import { cut, displayWidth, formatTable, wrap } from '../table.ts'
import type { Column } from '../table.ts'
import type { Style, Terminal } from '../terminal.ts'
import { formatSentences, hanging, whomWords } from './shared-sentences.ts'
import type { SharedSentence } from './shared-sentences.ts'
import { byComponent } from './by-component.ts'
import { timeOfSnapshotId } from './snapshot-time.ts'
import { differenceWords, shownText } from './value-words.ts'
import { changesAnything } from './view-plan.ts'
import type { FoldedCreate } from './folded-creates.ts'
import type { ComponentCounts, PlanView, ViewedChange } from './view-plan.ts'

export function formatPlan(terminal: Terminal, view: PlanView): string {
  const { root } = view
  const parts = [
    `\n${terminal.style('bold', `Plan ${root.restore}`)}\n`,
    formatFrom(terminal, view),
    view.target === undefined ? '' : wrap(`into the deployment ${view.target}`, terminal.width),
    changesAnything(root) ? `\n${formatCounts(terminal, view)}` : nothing(terminal, view),
    formatDifferences(terminal, view),
    formatFolders(terminal, view),
    formatNotes(terminal, view),
    section(terminal, 'red', 'Not stored, so it does not come back:', view.missing),
    section(terminal, 'yellow', 'Gives rights to administrate:', view.privileged),
    section(terminal, 'yellow', 'Cannot be restored:', view.cannot),
    section(terminal, 'yellow', 'Does not come back here:', view.lost),
    section(terminal, 'yellow', 'Needs a person afterwards:', view.needsPerson),
    section(terminal, 'dim', 'Is the installer’s, and left as it is:', view.left),
    formatFailures(terminal, view.failures),
  ]
  return parts.join('')
}

function formatFrom(terminal: Terminal, { root, slices, snapshots }: PlanView): string {
  const whose =
    root.slices === 1
      ? (slices[0] ?? 'nobody')
      : `${plural(root.slices, 'slice')}: ${slices.join(', ')}${root.slices > slices.length ? ' …' : ''}`
  const times = snapshots.map(({ id }) => timeOfSnapshotId(id)).toSorted()
  const [oldest, newest] = [times[0], times.at(-1)]
  if (oldest === undefined || newest === undefined) return wrap(whose, terminal.width)
  if (root.slices > 1) {
    const when = oldest === newest ? `as of ${oldest} UTC` : `as of ${oldest} to ${newest} UTC`
    return wrap(`${whose}; ${when}`, terminal.width)
  }
  const several = snapshots.length > 1
  return snapshots
    .map(({ slice, id, components }) =>
      [
        wrap(
          `${whose}${several ? ` (${components.join(', ')})` : ''} as of ${timeOfSnapshotId(id)} UTC`,
          terminal.width,
        ),
        terminal.style('dim', `  ${slice}@${id}\n`),
      ].join(''),
    )
    .join('')
}

function nothing(terminal: Terminal, { root }: PlanView): string {
  const { cannot, left } = root.counts
  const says =
    root.failed === root.slices
      ? 'Nothing can be restored.'
      : cannot + left > 0
        ? 'Nothing that can be restored differs from what is stored.'
        : 'Nothing to do: what is live is what is stored.'
  return `\n${wrap(says, terminal.width)}${kept(root.counts.keep)}`
}

function kept(count: number): string {
  return count > 0 ? `${plural(count, 'resource')} already as stored.\n` : ''
}

function formatCounts(terminal: Terminal, { components }: PlanView): string {
  type Row = readonly [name: string, counts: ComponentCounts]
  const rows: readonly Row[] = byComponent([...components]).filter(([, counts]) =>
    Object.values(counts).some((count: number) => count > 0),
  )
  const number = (heading: string, name: keyof ComponentCounts): Column<Row> => ({
    heading,
    cell: ([, counts]) => formatCount(counts[name]),
    align: 'right',
  })
  const has = (name: keyof ComponentCounts): boolean => rows.some(([, counts]) => counts[name] > 0)
  const columns: Column<Row>[] = [
    { heading: 'COMPONENT', cell: ([name]) => name },
    number('CREATE', 'create'),
    number('UPDATE', 'update'),
    number('KEEP', 'keep'),
    ...(has('delete') ? [{ ...number('DELETE', 'delete'), paint: (text: string) => terminal.style('red', text) }] : []),
    ...(has('cannot')
      ? [{ ...number('CANNOT', 'cannot'), paint: (text: string) => terminal.style('yellow', text) }]
      : []),
    ...(has('left') ? [number('LEFT', 'left')] : []),
    ...(has('bytes') ? [{ ...number('BYTES', 'bytes'), cell: ([, { bytes }]: Row) => formatBytes(bytes) }] : []),
  ]
  const table = formatTable(columns, rows, terminal.width, (text) => terminal.style('dim', text))
  return table
}

function formatDifferences(terminal: Terminal, { root, creates, changes, deletes }: PlanView): string {
  const several = root.slices > 1
  const lines = [
    ...creates.lines.map((create) => createLine(terminal, create, several)),
    more(creates.more, 'to create'),
    ...changes.lines.map((change) => changeLines(terminal, '~', 'yellow', change, several)),
    more(changes.more, 'to update'),
    ...deletes.lines.map((change) => changeLines(terminal, '-', 'red', change, several)),
    more(deletes.more, 'to delete'),
  ].filter((line) => line !== '')
  return lines.length === 0 ? '' : `\n${lines.join('')}`
}

function more(count: number, what: string): string {
  return count === 0 ? '' : `  … and ${formatCount(count)} more ${what} (all with --json)\n`
}

function createLine(terminal: Terminal, create: FoldedCreate, several: boolean): string {
  const { slice, component, key, beneath, bytes } = create
  const how = [
    ...(beneath > 0 ? [`${formatCount(beneath)} more in it`] : []),
    ...(bytes > 0 ? [formatBytes(bytes)] : []),
  ].join(', ')
  const written = formatKey(key)
  const isDirectory = beneath > 0 && component === 'files'
  const name =
    written === '.' ? (slice.startsWith('user/') ? 'the home' : 'the directory') : isDirectory ? `${written}/` : written
  const tail = how === '' ? '' : `  ${how}`
  const head = `${several ? `${slice}  ` : ''}${component}  `
  const room = terminal.width - 2 - displayWidth(head) - displayWidth(tail)
  return `${terminal.style('green', '+')} ${head}${cut(name, Math.max(16, room))}${terminal.style('dim', tail)}\n`
}

function changeLines(terminal: Terminal, mark: string, style: Style, change: ViewedChange, several: boolean): string {
  const head = `${several ? `${change.slice}  ` : ''}${change.component}  ${change.key === '.' ? 'the directory itself' : change.key}`
  const phrases = differenceWords(change.fields, change.values)
  const line = phrases.length === 0 ? head : `${head}  ${phrases.join('; ')}`
  if (displayWidth(line) + 2 <= terminal.width) return `${terminal.style(style, mark)} ${line}\n`
  const details = phrases.map((phrase) => hanging(phrase, terminal.width, '    ')).join('')
  return `${terminal.style(style, mark)} ${cut(head, terminal.width - 2)}\n${details}`
}

function formatFolders(terminal: Terminal, { root, folders }: PlanView): string {
  return [...folders]
    .map(([folder, count]) => {
      const where =
        root.slices === 1
          ? `Files go beside what is there, into ${folder}/`
          : `Files of ${plural(count, 'home or directory', 'homes and directories')} where something is go beside it, into ${folder}/`
      return `\n${wrap(`${where} (over it instead: --in-place).`, terminal.width)}`
    })
    .join('')
}

function formatNotes(terminal: Terminal, { root, notes }: PlanView): string {
  if (notes.length === 0) return ''
  const lines = notes.map((note) => {
    const whom = root.slices === 1 ? '' : ` (${whomWords(note)})`
    return wrap(`${shownText(note.text)}${whom}`, terminal.width)
  })
  return `\n${terminal.style('yellow', lines.join(''))}`
}

function section(terminal: Terminal, style: Style, heading: string, sentences: readonly SharedSentence[]): string {
  if (sentences.length === 0) return ''
  return `\n${terminal.style(style, heading)}\n${formatSentences(sentences, terminal.width)}`
}

/** The same cause on many slices once, with a count. */
export function formatFailures(terminal: Terminal, failures: readonly SharedSentence[]): string {
  return failures
    .map((failure) => {
      const { text, count, code = 'internal', remedy } = failure
      const whom = `${plural(count, 'slice')}: ${failure.whom.join(', ')}${count > failure.whom.length ? ` and ${formatCount(count - failure.whom.length)} more` : ''}`
      return [
        `\n${terminal.style('red', code)}, ${whom}\n`,
        wrap(text, terminal.width, '  '),
        remedy === undefined ? '' : wrap(`→ ${remedy}`, terminal.width, '  '),
      ].join('')
    })
    .join('')
}
