/** `toriki forget`: which snapshots the retention policy keeps, and why; with `--apply` the others are forgotten, and `toriki prune` may take them. */
import { TorikiError } from '../../errors.ts'
import { forgetAll } from '../../maintenance/forget.ts'
import type { Decided } from '../../maintenance/forget.ts'
import { parseSegment } from '../../resources/key.ts'
import { userSlice } from '../../resources/slice.ts'
import { answer } from '../context.ts'
import type { CommandContext } from '../context.ts'
import { EXIT } from '../exit-status.ts'
import { formatCount, plural } from '../quantities.ts'
import { withRepository } from '../session.ts'
import { formatTable, wrap } from '../table.ts'

interface Forgotten {
  readonly applied: boolean
  readonly slices: readonly {
    readonly slice: string
    readonly generation: number
    readonly kept: readonly Decided[]
    readonly forgotten: readonly Decided[]
  }[]
  readonly failures: readonly {
    readonly slice: string
    readonly code: string
    readonly message: string
    readonly remedy: string
  }[]
}

/** Snapshots shown to people; JSON has them all. */
const SHOWN = 60

export async function forget(
  context: CommandContext,
  { apply = false, user }: { readonly apply?: boolean; readonly user?: readonly string[] },
): Promise<number> {
  const slices = user?.map((name) => userSlice(parseSegment(name)).name)
  const result = await withRepository(context, async (session): Promise<Forgotten> => {
    const policy = session.settings.retention
    if (policy === undefined)
      throw new TorikiError('settings-invalid', {
        message: 'No retention policy is set, so nothing is ever forgotten.',
        remedy:
          'Write under `retention` in the settings what is to be kept, such as { last: 3, daily: 7, weekly: 4, monthly: 12, yearly: 2, left: 400d }.',
      })
    const done: Forgotten['slices'][number][] = []
    const failures: Forgotten['failures'][number][] = []
    for await (const one of forgetAll(session, { policy, slices, apply, signal: context.signal })) {
      const { slice, generation, kept, forgotten, failure } = one
      if (failure === undefined) done.push({ slice, generation, kept, forgotten })
      else failures.push({ slice, code: failure.code, message: failure.message, remedy: failure.remedy })
    }
    return { applied: apply, slices: done, failures }
  })
  answer(context, result, () => forPeople(context, result))
  return result.failures.length === 0 ? EXIT.complete : EXIT.partial
}

function forPeople({ terminal }: CommandContext, { applied, slices, failures }: Forgotten): string {
  const rows = slices.flatMap(({ slice, kept, forgotten }) => [
    ...kept.map((one) => ({ what: 'keep', id: `${slice}@${one.snapshot}`, why: one.reasons.join('; ') })),
    ...forgotten.map((one) => ({
      what: applied ? 'forgotten' : 'forget',
      id: `${slice}@${one.snapshot}`,
      why: one.reasons.join('; '),
    })),
  ])
  const going = slices.reduce((sum, { forgotten }) => sum + forgotten.length, 0)
  const lines = [
    formatTable(
      [
        { heading: '', cell: ({ what }: (typeof rows)[number]) => what },
        { heading: 'SNAPSHOT', cell: ({ id }) => id },
        { heading: 'WHY', cell: ({ why }) => why, flexible: true },
      ],
      rows.slice(0, SHOWN),
      terminal.width,
      (text) => terminal.style('bold', text),
    ),
  ]
  if (rows.length > SHOWN) lines.push(`… and ${formatCount(rows.length - SHOWN)} more (all of them with --json)\n`)
  const kept = rows.length - going
  lines.push(
    `${plural(kept, 'snapshot')} kept, ${formatCount(going)} ${applied ? 'forgotten' : 'would be forgotten'}.\n`,
  )
  if (!applied && going > 0)
    lines.push(`Do it: ${terminal.style('bold', 'toriki forget --apply')}, then toriki prune --apply\n`)
  for (const { slice, code, message, remedy } of failures) {
    lines.push(`\n${terminal.style('red', code)}: ${slice}, of which nothing was forgotten\n`)
    lines.push(wrap(message, terminal.width, '  '), wrap(`→ ${remedy}`, terminal.width, '  '))
  }
  return lines.join('')
}
