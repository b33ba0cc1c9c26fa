/** `toriki prune`: deletes what nothing names any more, in two phases a day apart. Without `--apply` it only says what it would do. */
import { expireRecords } from '../../maintenance/expire-records.ts'
import type { ExpiredRecords } from '../../maintenance/expire-records.ts'
import { pruneAll } from '../../maintenance/prune.ts'
import type { PruneCounts } from '../../repository/maintenance.ts'
import { answer } from '../context.ts'
import type { CommandContext } from '../context.ts'
import { EXIT } from '../exit-status.ts'
import { formatBytes, plural } from '../quantities.ts'
import { withRepository } from '../session.ts'
import { wrap } from '../table.ts'

interface Pruned {
  readonly applied: boolean
  readonly slices: number
  readonly deleted: PruneCounts
  readonly condemned: PruneCounts
  readonly waiting: PruneCounts
  /** `repackable`: packs of which so little is alive that `compact` would pack it anew. */
  readonly kept: {
    readonly packs: number
    readonly neededBytes: number
    readonly storedBytes: number
    readonly repackable: number
  }
  /** Of runs and restores whose time is over, where `retention.runs` says when that is; `claims` whatever their age. */
  readonly records?: ExpiredRecords
  readonly failures: readonly {
    readonly slice: string
    readonly code: string
    readonly message: string
    readonly remedy: string
  }[]
}

const NOTHING: PruneCounts = { packs: 0, snapshots: 0, checkpoints: 0, indexes: 0, bytes: 0 }

export async function prune(context: CommandContext, { apply = false }: { readonly apply?: boolean }): Promise<number> {
  const result = await withRepository(context, async (service): Promise<Pruned> => {
    let [slices, deleted, condemned, waiting] = [0, NOTHING, NOTHING, NOTHING]
    let kept = { packs: 0, neededBytes: 0, storedBytes: 0, repackable: 0 }
    const failures: Pruned['failures'][number][] = []
    for await (const { slice, report, failure } of pruneAll(service, {
      ...{ apply, worthCompacting: true, signal: context.signal },
    })) {
      slices++
      if (failure !== undefined) {
        const { code, message, remedy } = failure
        failures.push({ slice, code, message, remedy })
      }
      if (report === undefined) continue
      deleted = sum(deleted, report.deleted)
      condemned = sum(condemned, report.condemned)
      waiting = sum(waiting, report.waiting)
      kept = {
        packs: kept.packs + report.kept.packs,
        neededBytes: kept.neededBytes + report.kept.neededBytes,
        storedBytes: kept.storedBytes + report.kept.storedBytes,
        repackable: kept.repackable + report.kept.repackable,
      }
    }
    const { runsMs } = service.settings.retention ?? {}
    const records =
      runsMs === undefined
        ? undefined
        : await expireRecords(service, { olderThanMs: runsMs, apply, signal: context.signal })
    return {
      ...{ applied: apply, slices, deleted, condemned, waiting, kept },
      ...(records === undefined ? {} : { records }),
      failures,
    }
  })
  answer(context, result, () => forPeople(context, result))
  return result.failures.length === 0 ? EXIT.complete : EXIT.partial
}

function sum(one: PruneCounts, other: PruneCounts): PruneCounts {
  return {
    packs: one.packs + other.packs,
    snapshots: one.snapshots + other.snapshots,
    checkpoints: one.checkpoints + other.checkpoints,
    indexes: one.indexes + other.indexes,
    bytes: one.bytes + other.bytes,
  }
}

function forPeople({ terminal }: CommandContext, result: Pruned): string {
  const { applied, slices, deleted, condemned, waiting, kept, records, failures } = result
  const lines = [
    `${plural(slices, 'history', 'histories')} looked at.\n`,
    `${applied ? 'Deleted' : 'Would delete'}: ${said(deleted)}.\n`,
    `${applied ? 'Condemned' : 'Would condemn'}, to be deleted after a day unless something names it until then: ${said(condemned)}.\n`,
  ]
  if (waiting.packs + waiting.snapshots > 0) lines.push(`Condemned before, and waiting: ${said(waiting)}.\n`)
  if (records !== undefined && records.runs + records.restores > 0)
    lines.push(
      `${applied ? 'Ended' : 'Would end'}, since their time is over: records of ${plural(records.runs, 'run')} and ${plural(records.restores, 'restore')}.\n`,
    )
  if (kept.repackable > 0)
    lines.push(`Little is alive of ${plural(kept.repackable, 'pack')}: ${terminal.style('bold', 'toriki compact')}\n`)
  if (!applied) lines.push(`Do it: ${terminal.style('bold', 'toriki prune --apply')}\n`)
  for (const { slice, code, message, remedy } of failures) {
    lines.push(`\n${terminal.style('red', code)}: ${slice}, of which nothing was deleted\n`)
    lines.push(wrap(message, terminal.width, '  '), wrap(`→ ${remedy}`, terminal.width, '  '))
  }
  return lines.join('')
}

function said({ packs, snapshots, checkpoints, indexes, bytes }: PruneCounts): string {
  const parts = [
    [packs, 'pack'] as const,
    [snapshots, 'snapshot'] as const,
    [checkpoints, 'checkpoint'] as const,
    [indexes, 'index object'] as const,
  ].flatMap(([count, name]) => (count === 0 ? [] : [plural(count, name)]))
  return parts.length === 0 ? 'nothing' : `${parts.join(', ')} (${formatBytes(bytes)})`
}
