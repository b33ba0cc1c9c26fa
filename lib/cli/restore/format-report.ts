/** How a restore stands or ended, as people read it: what came back, how that was proven, what is not as one might think, and what comes next. */
import { errorCatalogue } from '../../errors.ts'
import type { RestoreFailure, RestoreReport } from '../../restore/restore-report.ts'
import type { Finding } from '../../restore/slice-log.ts'
import { formatCount, formatDuration, plural } from '../quantities.ts'
import { formatTable, wrap } from '../table.ts'
import type { Column } from '../table.ts'
import type { Style, Terminal } from '../terminal.ts'
import { byComponent } from './by-component.ts'
import { formatSentences, hanging, whomWords } from './shared-sentences.ts'
import { shownText } from './value-words.ts'

/** Names shown per cause, and findings per cause. */
const WHOM_MAX = 5
const FINDINGS_MAX = 12

/** As the contract has it, with how it was proven, and the remedy of each failure. */
export function restoreJson({ failures, ...report }: RestoreReport): object {
  return { ...report, failures: failures.map((failure) => ({ ...failure, remedy: remedyOf(failure) })) }
}

export interface ReportDetails {
  /** How long this process worked on it. */
  readonly tookMs?: number
  /** Where files went beside what is there. */
  readonly folders?: readonly string[]
}

export function formatRestore(terminal: Terminal, report: RestoreReport, details: ReportDetails = {}): string {
  const { tookMs, folders = [] } = details
  const { restore, open, outcome, slices, lost, needsPerson } = report
  const style: Style = open ? 'cyan' : outcome === 'complete' ? 'green' : outcome === 'partial' ? 'yellow' : 'red'
  const took = tookMs === undefined ? '' : `, took ${formatDuration(tookMs)}`
  const notCovered = lost.map(({ component, field, reason, count }) => ({
    text: `${component} ${field}: ${reason}`,
    whom: [],
    count,
  }))
  const needs = needsPerson.map(({ sentence, count, slices: whom }) => ({
    text: sentence,
    whom: whom.slice(0, WHOM_MAX),
    count,
  }))
  return [
    `\n${terminal.style('bold', `Restore ${restore}`)}: ${terminal.style(style, open ? 'open' : outcome)}${took}\n`,
    wrap(formatSlices(slices), terminal.width),
    formatRestored(terminal, report),
    formatProof(terminal, report),
    report.slices.verified === 0 ? '' : folders.map((folder) => besideLine(terminal, folder)).join(''),
    section(terminal, 'Did not come back, for it is not covered here:', formatSentences(notCovered, terminal.width)),
    section(terminal, 'Needs a person now:', formatSentences(needs, terminal.width)),
    ...formatCauses(terminal, report.failures),
    formatNext(terminal, report),
  ].join('')
}

function formatSlices({
  total,
  verified,
  undone,
  refused,
  undoFailed,
  stopped,
  pending,
}: RestoreReport['slices']): string {
  const parts = [
    `${formatCount(verified)} of ${plural(total, 'slice')} restored`,
    ...(undone > 0 ? [`${formatCount(undone)} taken back: as before`] : []),
    ...(refused > 0 ? [`${formatCount(refused)} refused: nothing was written`] : []),
    ...(undoFailed > 0 ? [`${formatCount(undoFailed)} NOT taken back`] : []),
    ...(stopped > 0 ? [`${formatCount(stopped)} stopped: nobody works on them`] : []),
    ...(pending > 0 ? [`${formatCount(pending)} still to do`] : []),
  ]
  return `${parts.join('; ')}.`
}

function formatRestored(terminal: Terminal, { restored }: RestoreReport): string {
  type Row = readonly [name: string, counts: NonNullable<RestoreReport['restored']['files']>]
  const rows: readonly Row[] = byComponent(Object.entries(restored)).filter(([, counts]) =>
    Object.values(counts).some((count) => count > 0),
  )
  if (rows.length === 0) return ''
  const number = (heading: string, name: keyof Row[1], style?: Style): Column<Row> => ({
    heading,
    cell: ([, counts]) => formatCount(counts[name]),
    align: 'right',
    ...(style === undefined ? {} : { paint: (text: string) => terminal.style(style, text) }),
  })
  const has = (name: keyof Row[1]): boolean => rows.some(([, counts]) => counts[name] > 0)
  const columns = [
    { heading: 'COMPONENT', cell: ([name]: Row) => name },
    number('CREATED', 'create'),
    number('UPDATED', 'update'),
    ...(has('delete') ? [number('DELETED', 'delete')] : []),
    number('AS IT WAS', 'keep'),
    ...(has('cannot') ? [number('NOT RESTORED', 'cannot', 'yellow')] : []),
    ...(has('left') ? [number('LEFT', 'left')] : []),
  ]
  return `\n${formatTable(columns, rows, terminal.width, (text) => terminal.style('dim', text))}`
}

function formatProof(terminal: Terminal, { proof, slices }: RestoreReport): string {
  if (slices.verified === 0) return ''
  const { readBack, keptCompared } = proof
  const what =
    readBack === 0
      ? 'Nothing had to be changed: what is live is what is stored.'
      : `Proven: ${plural(readBack, 'resource was', 'resources were')} read again and ${readBack === 1 ? 'is' : 'are'} as planned${keptCompared > 0 ? `, ids and dates of ${formatCount(keptCompared)} included` : ''}.`
  return `\n${wrap(what, terminal.width)}`
}

function besideLine(terminal: Terminal, folder: string): string {
  return wrap(`Files were put beside what is there: look into ${folder}/`, terminal.width)
}

function section(terminal: Terminal, heading: string, text: string): string {
  return text === '' ? '' : `\n${terminal.style('yellow', heading)}\n${text}`
}

/** The same cause on many slices is one entry with a count. */
function formatCauses(terminal: Terminal, failures: readonly RestoreFailure[]): readonly string[] {
  const causes = new Map<string, RestoreFailure[]>()
  for (const failure of failures) {
    const cause = `${failure.outcome} ${failure.code} ${failure.message}`
    causes.set(cause, [...(causes.get(cause) ?? []), failure])
  }
  return [...causes.values()].flatMap((group) => {
    const [first] = group
    if (first === undefined) return []
    const whom = whomWords({ whom: group.slice(0, WHOM_MAX).map(({ slice }) => slice), count: group.length })
    const all = group.flatMap(({ slice, findings }) => findings.map((finding) => ({ slice, finding })))
    const more = group.reduce((sum, one) => sum + (one.more ?? 0), 0)
    const list = (of: typeof all, beyond: number): string => {
      const shown = of.slice(0, FINDINGS_MAX)
      const rest = of.length - shown.length + beyond
      return [
        ...shown.map(({ slice, finding }) => findingLines(terminal, slice, finding, group.length > 1)),
        rest > 0 ? `  … and ${formatCount(rest)} more (with --json)\n` : '',
      ].join('')
    }
    const left = all.filter(({ finding }) => finding.left === true)
    const wrong = all.filter(({ finding }) => finding.left !== true)
    return [
      `\n${terminal.style('red', first.code)}, ${plural(group.length, 'slice')} ${outcomeWords(first.outcome)}: ${whom}\n`,
      wrap(first.message, terminal.width, '  '),
      list(wrong, left.length === 0 ? more : 0),
      left.length === 0 ? '' : `  Changed by somebody meanwhile, and left to them:\n${list(left, more)}`,
      wrap(`→ ${remedyOf(first)}`, terminal.width, '  '),
      first.safety === undefined ? '' : terminal.style('dim', safetyLine(group)),
    ]
  })
}

function findingLines(
  terminal: Terminal,
  slice: string,
  { component, key, what, todo }: Finding,
  named: boolean,
): string {
  const line = shownText(`${named ? `${slice} ` : ''}${component} ${key} ${what}`)
  return (
    hanging(line, terminal.width, '  - ') +
    (todo === undefined ? '' : hanging(shownText(todo), terminal.width, '    → '))
  )
}

/** Never cut or wrapped: for copying. */
function safetyLine(group: readonly RestoreFailure[]): string {
  const [first] = group
  return first?.safety === undefined ? '' : `  Before the restore: toriki ls ${first.slice}@${first.safety}\n`
}

function outcomeWords(outcome: RestoreFailure['outcome']): string {
  if (outcome === 'refused' || outcome === 'stopped') return outcome
  if (outcome === 'damaged') return 'restored but for what is named'
  return outcome === 'undone' ? 'taken back' : 'NOT taken back'
}

function remedyOf({ code }: RestoreFailure): string {
  return Object.hasOwn(errorCatalogue, code)
    ? errorCatalogue[code as keyof typeof errorCatalogue].remedy
    : 'Look at the code in docs/errors.md.'
}

function formatNext(terminal: Terminal, { restore, open, slices }: RestoreReport): string {
  const bold = (words: string): string => terminal.style('bold', words)
  if (open || slices.stopped > 0) return `\nGo on with: ${bold(`toriki restore resume ${restore}`)}\n`
  if (slices.undoFailed > 0)
    return `\n${wrap('Those that were not taken back cannot be restored again until somebody has seen to them.', terminal.width)}When you have: ${bold(`toriki restore acknowledge ${restore}`)}\n`
  return ''
}
