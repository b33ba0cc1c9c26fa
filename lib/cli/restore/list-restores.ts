/** What was asked to be restored, newest first, and how far each came. */
import { restoreIds } from '../../restore/restore-index.ts'
import { restoreReport } from '../../restore/restore-report.ts'
import { readRequest, requestedSlices } from '../../restore/restore-request.ts'
import type { RestoreRequest } from '../../restore/restore-request.ts'
import type { RestoreService } from '../../restore/service.ts'
import { formatCount } from '../quantities.ts'
import { formatTable } from '../table.ts'
import type { Style, Terminal } from '../terminal.ts'

export interface ListedRestore {
  readonly restore: string
  /** RFC 3339. */
  readonly at: string
  /** `planned`: nothing was written. Else as `status` says. */
  readonly state: string
  readonly open: boolean
  readonly slices: number
  /** The first few. */
  readonly whom: readonly string[]
  readonly target?: string
}

const WHOM_MAX = 3

export async function listRestores(service: RestoreService, limit: number): Promise<readonly ListedRestore[]> {
  const { records } = service.repository
  const ids: string[] = []
  for await (const id of restoreIds(records)) ids.push(id)
  const listed: ListedRestore[] = []
  for (const restore of ids.toReversed().slice(0, limit)) {
    const request = await readRequest(records, restore)
    const { at, slicesTotal, target } = request
    const whom: string[] = []
    for await (const { slice, to } of requestedSlices(records, request)) {
      if (whom.length === WHOM_MAX) break
      whom.push(to === undefined ? slice : `${slice} as ${to}`)
    }
    listed.push({
      ...{ restore, at, ...(await stateOf(service, request)), slices: slicesTotal, whom },
      ...(target === undefined ? {} : { target: target.deployment }),
    })
  }
  return listed
}

async function stateOf(
  service: RestoreService,
  { restore }: RestoreRequest,
): Promise<Pick<ListedRestore, 'state' | 'open'>> {
  const { records } = service.repository
  if ((await records.read(`restores/${restore}/applied`)) === undefined) return { state: 'planned', open: false }
  const { open, outcome } = await restoreReport(service, restore)
  return { state: open ? 'open' : outcome, open }
}

export function formatRestores(terminal: Terminal, restores: readonly ListedRestore[]): string {
  if (restores.length === 0) return 'Nothing was restored yet. Begin with `toriki restore plan --user NAME`.\n'
  return formatTable<ListedRestore>(
    [
      // Never cut: people copy it. It begins with the time it was asked for, in UTC.
      { heading: 'RESTORE', cell: ({ restore }) => restore },
      {
        heading: 'STATE',
        cell: ({ state }) => state,
        paint: (text, { state }) => terminal.style(styleOf(state), text),
      },
      { heading: 'OF', cell: whomOf, flexible: true },
    ],
    restores,
    terminal.width,
    (text) => terminal.style('bold', text),
  )
}

function whomOf({ whom, slices, target }: ListedRestore): string {
  const more = slices > whom.length ? ` and ${formatCount(slices - whom.length)} more` : ''
  return `${whom.join(', ')}${more}${target === undefined ? '' : ` into ${target}`}`
}

function styleOf(state: string): Style {
  if (state === 'complete') return 'green'
  if (state === 'partial') return 'yellow'
  return state === 'planned' ? 'dim' : state === 'open' ? 'cyan' : 'red'
}
