/** `toriki check`: is what is stored whole? Names who and what is hit where it is not. Changes nothing, unless asked to make an index anew. */
import { checkAll } from '../../maintenance/check.ts'
import { parseSegment } from '../../resources/key.ts'
import { userSlice } from '../../resources/slice.ts'
import { TorikiError } from '../../errors.ts'
import { answer } from '../context.ts'
import type { CommandContext } from '../context.ts'
import { EXIT } from '../exit-status.ts'
import { formatBytes, formatCount, plural } from '../quantities.ts'
import { withRepository } from '../session.ts'
import { wrap } from '../table.ts'

export interface CheckCommandOptions {
  /** `true`: all of it. */
  readonly readData?: string | true
  readonly user?: readonly string[]
  readonly rebuildIndex?: boolean
}

interface Damage {
  /** Absent: it belongs to no history. */
  readonly slice?: string
  readonly generation?: number
  readonly snapshot?: string
  readonly component?: string
  readonly key?: string
  readonly what: string
}

interface Checked {
  readonly outcome: 'sound' | 'damaged'
  readonly slices: number
  readonly objects: number
  readonly bytes: number
  readonly damage: readonly Damage[]
  /** Findings that are not in `damage`, where there are very many. */
  readonly more?: number
}

/** Damage shown to people; JSON has it all. */
const SHOWN = 50

export async function check(context: CommandContext, options: CheckCommandOptions): Promise<number> {
  const readPercent = percentOf(options.readData)
  const slices = options.user?.map((user) => userSlice(parseSegment(user)).name)
  const result = await withRepository(context, async (service): Promise<Checked> => {
    const damage: Damage[] = []
    let [checked, objects, bytes, more] = [0, 0, 0, 0]
    for await (const one of checkAll(service, {
      slices,
      readPercent,
      rebuildIndex: options.rebuildIndex,
      signal: context.signal,
    })) {
      if (one.slice !== undefined) checked++
      objects += one.objects
      bytes += one.bytes
      more += one.more
      const { slice, generation } = one
      for (const { snapshot, ...rest } of one.damage)
        damage.push({
          ...(slice === undefined ? {} : { slice }),
          ...(generation === 1 ? {} : { generation }),
          ...(snapshot === undefined ? {} : { snapshot: `${slice}@${snapshot}` }),
          ...rest,
        })
    }
    const outcome = damage.length + more > 0 ? 'damaged' : 'sound'
    return { outcome, slices: checked, objects, bytes, damage, ...(more === 0 ? {} : { more }) }
  })
  answer(context, result, () => forPeople(context, result))
  return result.outcome === 'sound' ? EXIT.complete : EXIT.failed
}

function percentOf(readData: string | true | undefined): number | undefined {
  if (readData === undefined) return undefined
  if (readData === true) return 100
  const percent = Number(readData.replace(/%$/, ''))
  if (!(percent > 0 && percent <= 100))
    throw new TorikiError('usage', { message: `--read-data takes a percentage from 1 to 100, not ${readData}.` })
  return percent
}

function forPeople(
  { terminal }: CommandContext,
  { outcome, slices, objects, bytes, damage, more = 0 }: Checked,
): string {
  const read = bytes > 0 ? `, ${formatBytes(bytes)} of content read` : ''
  const head = `${plural(slices, 'history', 'histories')}, ${plural(objects, 'object')}${read}: `
  if (outcome === 'sound') return `${head}${terminal.style('green', 'sound')}.\n`
  const lines = damage.slice(0, SHOWN).map(({ slice, generation, snapshot, component, key, what }) => {
    const where = [snapshot ?? slice ?? 'the deployment', component, key].filter((part) => part !== undefined).join(' ')
    const which = generation === undefined ? '' : ` (generation ${generation})`
    return wrap(`${where}${which}: ${what}`, terminal.width, '  ')
  })
  const left = damage.length - lines.length + more
  if (left > 0) lines.push(`  … and ${formatCount(left)} more (with --json)\n`)
  return `${head}${terminal.style('red', 'damaged')}.\n${lines.join('')}`
}
