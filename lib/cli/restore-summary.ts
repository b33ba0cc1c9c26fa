/** A restore's plan and its end, as people read them and as the contract's JSON. */
import type { PlanItem } from '../restore/slice-plan.ts'
import type { RootPlan } from '../restore/plan-restore.ts'
import type { RestoreReport } from '../restore/restore-report.ts'
import { formatKey } from '../resources/key.ts'
import { formatCount, plural } from './quantities.ts'
import { formatTable, wrap } from './table.ts'
import type { Terminal } from './terminal.ts'

/** One thing a plan says of one resource. */
export interface PlannedItem {
  readonly slice: string
  readonly component: string
  readonly key: string
  readonly action: PlanItem['action']
  readonly fields?: readonly string[]
  readonly reason?: string
}

export interface PlanView {
  readonly root: RootPlan
  /** `user/ann@RUN.N`, for each slice and component it is taken from. */
  readonly snapshots: readonly string[]
  readonly items: readonly PlannedItem[]
  readonly needsPerson: readonly string[]
  readonly failures: readonly {
    readonly slice: string
    readonly code: string
    readonly message: string
    readonly remedy: string
  }[]
}

/** Differences shown to people; JSON has them all. */
const ITEMS_SHOWN = 20

export function plannedItem(slice: string, { component, key, action, fields, reason }: PlanItem): PlannedItem {
  return {
    slice,
    component,
    key: formatKey(Buffer.from(key, 'base64url')),
    action,
    ...(fields === undefined ? {} : { fields }),
    ...(reason === undefined ? {} : { reason }),
  }
}

export function planJson({ root, snapshots, items, needsPerson, failures }: PlanView): object {
  const snapshot = snapshots.length === 1 ? snapshots[0] : snapshots
  return { plan: root.restore, hash: root.hash, snapshot, changes: root.counts, items, needsPerson, failures }
}

export function formatPlan(terminal: Terminal, view: PlanView): string {
  const { root, snapshots, items, needsPerson, failures } = view
  const rows = countByComponent(items)
  const lines = [
    `\n${terminal.style('bold', `Plan ${root.restore}`)}\n`,
    `from ${snapshots.slice(0, 3).join(', ')}${snapshots.length > 3 ? ` and ${formatCount(snapshots.length - 3)} more` : ''}\n\n`,
    formatTable(
      [
        { heading: 'COMPONENT', cell: ([name]) => name },
        ...(['create', 'update', 'delete', 'cannot', 'left'] as const).map((action) => ({
          heading: action.toUpperCase(),
          cell: ([, counts]: (typeof rows)[number]) => formatCount(counts[action]),
          align: 'right' as const,
        })),
      ],
      rows,
      terminal.width,
      (text) => terminal.style('dim', text),
    ),
    rows.length === 0 ? 'Nothing to do: what is live is what is stored.\n' : '',
    root.counts.keep > 0 ? `${plural(root.counts.keep, 'resource')} already as stored.\n` : '',
  ]
  if (items.length > 0) {
    lines.push(
      '\n',
      formatTable(
        [
          { heading: '', cell: ({ action }) => action },
          { heading: 'WHAT', cell: ({ component, key }) => `${component} ${key}`, flexible: true },
          { heading: '', cell: ({ fields, reason }) => reason ?? fields?.join(', ') ?? '', flexible: true },
        ],
        items.slice(0, ITEMS_SHOWN),
        terminal.width,
      )
        // Without the line of headings.
        .replace(/^.*\n/, ''),
    )
    if (items.length > ITEMS_SHOWN)
      lines.push(`… and ${formatCount(items.length - ITEMS_SHOWN)} more (all of them with --json)\n`)
  }
  for (const sentence of needsPerson) lines.push(terminal.style('yellow', wrap(sentence, terminal.width)))
  for (const { slice, code, message, remedy } of failures) {
    lines.push(`\n${terminal.style('red', code)}: ${slice}\n`)
    lines.push(wrap(message, terminal.width, '  '), wrap(`→ ${remedy}`, terminal.width, '  '))
  }
  return lines.join('')
}

function countByComponent(
  items: readonly PlannedItem[],
): readonly (readonly [string, Readonly<Record<PlanItem['action'], number>>])[] {
  const counts = new Map<string, Record<PlanItem['action'], number>>()
  for (const { component, action } of items) {
    const row = counts.get(component) ?? { create: 0, update: 0, delete: 0, cannot: 0, left: 0 }
    row[action]++
    counts.set(component, row)
  }
  return [...counts]
}

export function restoreJson({ restore, open, outcome, verified, slices, failures }: RestoreReport): object {
  return { restore, open, outcome, verified, slices, failures }
}

export function formatRestore(terminal: Terminal, report: RestoreReport): string {
  const { restore, open, outcome, slices, failures } = report
  const state = open ? 'open' : outcome
  const style = open ? 'cyan' : outcome === 'complete' ? 'green' : outcome === 'partial' ? 'yellow' : 'red'
  const lines = [
    `\n${terminal.style('bold', `Restore ${restore}`)}: ${terminal.style(style, state)}\n`,
    `${formatCount(slices.verified)} of ${plural(slices.total, 'slice')} restored and read back`,
    slices.undone > 0 ? `, ${formatCount(slices.undone)} taken back` : '',
    slices.refused > 0 ? `, ${formatCount(slices.refused)} refused` : '',
    slices.undoFailed > 0 ? `, ${formatCount(slices.undoFailed)} NOT taken back` : '',
    slices.pending > 0 ? `, ${formatCount(slices.pending)} to do` : '',
    '.\n',
  ]
  for (const { slice, code, message, findings } of failures) {
    lines.push(`\n${terminal.style('red', code)}: ${slice}\n`, wrap(message, terminal.width, '  '))
    for (const { component, key, what } of findings.slice(0, ITEMS_SHOWN))
      lines.push(wrap(`${component} ${key} ${what}`, terminal.width, '  - '))
  }
  if (open) lines.push(`\nGo on with: ${terminal.style('bold', `toriki restore resume ${restore}`)}\n`)
  else if (slices.undoFailed > 0)
    lines.push(`\nWhen you have mended it: ${terminal.style('bold', `toriki restore acknowledge ${restore}`)}\n`)
  return lines.join('')
}
