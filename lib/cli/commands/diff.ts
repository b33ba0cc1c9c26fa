/** `toriki diff A B`: what is different in B; `live` may stand for B. */
import { captureLive } from '../../backup/capture-live.ts'
import { TorikiError } from '../../errors.ts'
import type { SliceRepository, StoredResource } from '../../repository/repository.ts'
import { changedFields } from '../../resources/changed-fields.ts'
import { formatKey } from '../../resources/key.ts'
import { answer } from '../context.ts'
import type { CommandContext } from '../context.ts'
import { plural } from '../quantities.ts'
import { withRepository, withService } from '../session.ts'
import { viewSnapshot } from '../snapshot-reference.ts'
import type { SnapshotView } from '../snapshot-reference.ts'
import { selectedSlice } from '../slice-selection.ts'
import type { SliceOptions } from '../slice-selection.ts'

interface Difference {
  readonly added: { component: string; key: string }[]
  readonly removed: { component: string; key: string }[]
  readonly changed: { component: string; key: string; fields: readonly string[] }[]
}

export async function diff(context: CommandContext, a: string, b: string, options: SliceOptions): Promise<void> {
  const selected = selectedSlice(options)
  const result =
    b === 'live'
      ? await withService(context, async ({ service }) => {
          const before = await viewSnapshot(service.repository, a, selected, 'read-trees')
          const live = await captureLive(service, before.slice, context.signal)
          for (const { component, code } of live.snapshot.missing)
            if (before.components.has(component))
              context.terminal.err(`${component} could not be read now (${code}); it is left out.\n`)
          const components = new Map(Object.keys(live.snapshot.components).map((name) => [name, live.snapshot]))
          return await compare(live.repository, before, { ...before, repository: live.repository, components })
        })
      : await withRepository(context, async ({ repository }) => {
          const before = await viewSnapshot(repository, a, selected, 'read-content')
          const after = await viewSnapshot(
            repository,
            b,
            selected ?? (b.includes('@') ? undefined : before.slice),
            'read-content',
          )
          if (before.slice.name !== after.slice.name)
            throw new TorikiError('usage', { message: 'The two snapshots are of different users or groups.' })
          if (before.repository.sliceId !== after.repository.sliceId)
            throw new TorikiError('usage', {
              message: 'The two snapshots are of different people who had the same name.',
            })
          return await compare(before.repository, before, after)
        })
  answer(context, result, () => forPeople(context, result))
}

async function compare(repository: SliceRepository, before: SnapshotView, after: SnapshotView): Promise<Difference> {
  const result: Difference = { added: [], removed: [], changed: [] }
  for (const component of new Set([...before.components.keys(), ...after.components.keys()])) {
    const one = before.components.get(component)
    const two = after.components.get(component)
    // A component that one side could not read is no difference; the snapshot's own `missing` says it.
    if (one === undefined || two === undefined) continue
    for await (const differences of repository.diff(component, one, two))
      for (const difference of differences) {
        const key = formatKey(difference.key)
        if (difference.before === undefined) result.added.push({ component, key })
        else if (difference.after === undefined) result.removed.push({ component, key })
        else {
          const fields = await fieldsOf(repository, difference.before, difference.after)
          result.changed.push({ component, key, fields })
        }
      }
  }
  return result
}

/** Dotted names of what differs: `email`, `attributes.team`, `kept.id`, `secrets.password`, `content`. */
async function fieldsOf(
  repository: SliceRepository,
  before: StoredResource,
  after: StoredResource,
): Promise<readonly string[]> {
  const fields: string[] = []
  try {
    const [one, two] = [await repository.body(before), await repository.body(after)]
    fields.push(
      ...changedFields(one.state, two.state),
      ...changedFields(one.kept, two.kept).map((field) => `kept.${field}`),
    )
  } catch (error) {
    // Without the right to open content a long body is compared by digest alone.
    if (!(error instanceof TorikiError) || error.code !== 'content-locked') throw error
    fields.push('state')
  }
  for (const name of new Set([...Object.keys(before.secrets), ...Object.keys(after.secrets)])) {
    if (before.secrets[name]?.digest !== after.secrets[name]?.digest) fields.push(`secrets.${name}`)
  }
  if (before.content?.digest !== after.content?.digest) fields.push('content')
  return fields
}

function forPeople({ terminal }: CommandContext, { added, removed, changed }: Difference): string {
  if (added.length + removed.length + changed.length === 0) return 'No difference.\n'
  return [
    ...added.map(({ component, key }) => `${terminal.style('green', '+')} ${component}  ${key}\n`),
    ...removed.map(({ component, key }) => `${terminal.style('red', '-')} ${component}  ${key}\n`),
    ...changed.map(
      ({ component, key, fields }) =>
        `${terminal.style('yellow', '~')} ${component}  ${key}  ${terminal.style('dim', fields.join(', '))}\n`,
    ),
    `${plural(added.length, 'resource')} added, ${removed.length} removed, ${changed.length} changed.\n`,
  ].join('')
}
