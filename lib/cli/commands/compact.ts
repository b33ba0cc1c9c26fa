/** `toriki compact`: packs anew what is alive in packs that are mostly dead. Deletes nothing: `toriki prune` takes the old packs. Without `--apply` it only says what it would do. */
import { TorikiError } from '../../errors.ts'
import { compactAll } from '../../maintenance/compact.ts'
import type { CompactCounts } from '../../repository/maintenance.ts'
import { parseSegment } from '../../resources/key.ts'
import { userSlice } from '../../resources/slice.ts'
import { answer } from '../context.ts'
import type { CommandContext } from '../context.ts'
import { EXIT } from '../exit-status.ts'
import { formatBytes, plural } from '../quantities.ts'
import { withRepository } from '../session.ts'
import { wrap } from '../table.ts'

export interface CompactCommandOptions {
  readonly apply?: boolean
  /** Percent. */
  readonly maxDead?: string
  readonly user?: readonly string[]
}

interface Compacted {
  readonly applied: boolean
  readonly slices: number
  readonly repacked: CompactCounts
  readonly written: { readonly packs: number; readonly bytes: number }
  readonly damage: readonly { readonly slice: string; readonly generation?: number; readonly what: string }[]
  readonly failures: readonly {
    readonly slice: string
    readonly code: string
    readonly message: string
    readonly remedy: string
  }[]
}

export async function compact(context: CommandContext, options: CompactCommandOptions): Promise<number> {
  const { apply = false } = options
  const deadShareMax = shareOf(options.maxDead)
  const slices = options.user?.map((name) => userSlice(parseSegment(name)).name)
  const result = await withRepository(context, async (service): Promise<Compacted> => {
    const damage: Compacted['damage'][number][] = []
    const failures: Compacted['failures'][number][] = []
    let repacked: CompactCounts = { packs: 0, storedBytes: 0, deadBytes: 0 }
    let written = { packs: 0, bytes: 0 }
    let looked = 0
    for await (const one of compactAll(service, { slices, apply, deadShareMax, signal: context.signal })) {
      looked++
      const { slice, generation, report, failure } = one
      if (failure !== undefined) {
        const { code, message, remedy } = failure
        failures.push({ slice, code, message, remedy })
      }
      if (report === undefined) continue
      repacked = sum(repacked, report.repacked)
      written = { packs: written.packs + report.written.packs, bytes: written.bytes + report.written.bytes }
      for (const { what } of report.damage) damage.push({ slice, ...(generation === 1 ? {} : { generation }), what })
    }
    return { applied: apply, slices: looked, repacked, written, damage, failures }
  })
  answer(context, result, () => forPeople(context, result))
  if (result.damage.length > 0) return EXIT.failed
  return result.failures.length === 0 ? EXIT.complete : EXIT.partial
}

function shareOf(maxDead: string | undefined): number | undefined {
  if (maxDead === undefined) return undefined
  const percent = Number(maxDead.replace(/%$/, ''))
  if (maxDead.trim() === '' || !(percent >= 0 && percent < 100))
    throw new TorikiError('usage', { message: `--max-dead takes a percentage from 0 to 99, not ${maxDead}.` })
  return percent / 100
}

function sum(one: CompactCounts, other: CompactCounts): CompactCounts {
  return {
    packs: one.packs + other.packs,
    storedBytes: one.storedBytes + other.storedBytes,
    deadBytes: one.deadBytes + other.deadBytes,
  }
}

function forPeople({ terminal }: CommandContext, result: Compacted): string {
  const { applied, slices, repacked, written, damage, failures } = result
  const packs = `${plural(repacked.packs, 'pack')} (${formatBytes(repacked.storedBytes)})`
  const lines = [`${plural(slices, 'history', 'histories')} looked at.\n`]
  if (repacked.packs === 0) lines.push('No pack holds so much that is dead that it is worth packing anew.\n')
  else if (applied)
    lines.push(
      `What is alive of ${packs} stands in ${plural(written.packs, 'new pack')} (${formatBytes(written.bytes)}).\n`,
      `The old ones are deleted by the next prunes, the second of them a day later: ${terminal.style('bold', 'toriki prune --apply')}\n`,
    )
  else
    lines.push(
      `Would pack anew what is alive of ${packs}, of which ${formatBytes(repacked.deadBytes)} before compression are dead.\n`,
      `Do it: ${terminal.style('bold', 'toriki compact --apply')}\n`,
    )
  for (const { slice, what } of damage)
    lines.push(`\n${terminal.style('red', 'damaged')}: ${slice}\n`, wrap(what, terminal.width, '  '))
  if (damage.length > 0) lines.push(`\nWhom it hits: ${terminal.style('bold', 'toriki check --read-data')}\n`)
  for (const { slice, code, message, remedy } of failures) {
    lines.push(`\n${terminal.style('red', code)}: ${slice}, of which nothing was packed anew\n`)
    lines.push(wrap(message, terminal.width, '  '), wrap(`→ ${remedy}`, terminal.width, '  '))
  }
  return lines.join('')
}
