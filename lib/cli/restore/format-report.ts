/** How a restore stands or ended, as people read it: what came back, how that was proven, what is not as one might think, and what comes next. */
import { errorCatalogue } from '../../errors.ts'
import type { RestoreFailure, RestoreReport } from '../../restore/restore-report.ts'
import type { Finding } from '../../restore/slice-log.ts'
import { formatCount, formatDuration, plural } from '../quantities.ts'
import { wrap } from '../table.ts'
import type { Style, Terminal } from '../terminal.ts'
import { hanging, whomWords } from './shared-sentences.ts'
import { shownText } from './value-words.ts'

/** Names shown per cause, and findings per cause. */
const WHOM_MAX = 5
const FINDINGS_MAX = 10

/** As the contract has it, with the remedy of each failure. */
export function restoreJson({ restore, open, outcome, verified, slices, failures }: RestoreReport): object {
  return {
    restore,
    open,
    outcome,
    verified,
    slices,
    failures: failures.map((failure) => ({ ...failure, remedy: remedyOf(failure) })),
  }
}

export interface ReportDetails {
  /** How long this process worked on it. */
  readonly tookMs?: number
}

export function formatRestore(terminal: Terminal, report: RestoreReport, { tookMs }: ReportDetails = {}): string {
  const { restore, open, outcome, slices } = report
  const style: Style = open ? 'cyan' : outcome === 'complete' ? 'green' : outcome === 'partial' ? 'yellow' : 'red'
  const took = tookMs === undefined ? '' : `, took ${formatDuration(tookMs)}`
  return [
    `\n${terminal.style('bold', `Restore ${restore}`)}: ${terminal.style(style, open ? 'open' : outcome)}${took}\n`,
    wrap(formatSlices(slices), terminal.width),
    ...formatCauses(terminal, report.failures),
    formatNext(terminal, report),
  ].join('')
}

function formatSlices(slices: RestoreReport['slices']): string {
  const { total, verified, undone, refused, undoFailed, pending } = slices
  const parts = [
    `${formatCount(verified)} of ${plural(total, 'slice')} restored, read again and found as planned`,
    ...(undone > 0 ? [`${formatCount(undone)} taken back: as before`] : []),
    ...(refused > 0 ? [`${formatCount(refused)} refused: nothing was written`] : []),
    ...(undoFailed > 0 ? [`${formatCount(undoFailed)} NOT taken back`] : []),
    ...(pending > 0 ? [`${formatCount(pending)} still to do`] : []),
  ]
  return `${parts.join('; ')}.`
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
    const findings = group.flatMap(({ slice, findings: its }) => its.map((finding) => ({ slice, finding })))
    return [
      `\n${terminal.style('red', first.code)}, ${plural(group.length, 'slice')} ${outcomeWords(first.outcome)}: ${whom}\n`,
      wrap(first.message, terminal.width, '  '),
      ...findings
        .slice(0, FINDINGS_MAX)
        .map(({ slice, finding }) => hanging(findingWords(slice, finding, group.length > 1), terminal.width, '  - ')),
      findings.length > FINDINGS_MAX
        ? `  … and ${formatCount(findings.length - FINDINGS_MAX)} more (with --json)\n`
        : '',
      wrap(`→ ${remedyOf(first)}`, terminal.width, '  '),
    ]
  })
}

function findingWords(slice: string, { component, key, what }: Finding, isShared: boolean): string {
  return shownText(`${isShared ? `${slice} ` : ''}${component} ${key} ${what}`)
}

function outcomeWords(outcome: RestoreFailure['outcome']): string {
  if (outcome === 'refused') return 'refused'
  return outcome === 'undone' ? 'taken back' : 'NOT taken back'
}

function remedyOf({ code }: RestoreFailure): string {
  return Object.hasOwn(errorCatalogue, code)
    ? errorCatalogue[code as keyof typeof errorCatalogue].remedy
    : 'Look at the code in docs/errors.md.'
}

function formatNext(terminal: Terminal, { restore, open, slices }: RestoreReport): string {
  const bold = (words: string): string => terminal.style('bold', words)
  if (open) return `\nGo on with: ${bold(`toriki restore resume ${restore}`)}\n`
  if (slices.undoFailed > 0)
    return `\n${wrap('Those that were not taken back cannot be restored again until somebody has seen to them.', terminal.width)}When you have: ${bold(`toriki restore acknowledge ${restore}`)}\n`
  return ''
}
