/** `toriki snapshots`: what is stored, newest first. */
import { knownSlices } from '../../backup/known-slices.ts'
import type { DeploymentRepository } from '../../repository/repository.ts'
import type { Snapshot } from '../../repository/snapshot.ts'
import type { SliceName } from '../../resources/slice.ts'
import { answer } from '../context.ts'
import type { CommandContext } from '../context.ts'
import { formatBytes, formatCount } from '../quantities.ts'
import { withRepository } from '../session.ts'
import { selectedSlice } from '../slice-selection.ts'
import type { SliceOptions } from '../slice-selection.ts'
import { formatTable } from '../table.ts'

interface ListedSnapshot {
  readonly id: string
  readonly slice: string
  readonly generation: number
  readonly run: string
  readonly time: string
  readonly accepted?: true
  readonly components: Readonly<
    Record<
      string,
      {
        readonly root: string
        readonly resources: number
        readonly bytes: number
        readonly notes: readonly unknown[]
        readonly suspect: boolean
        readonly readAt: string
      }
    >
  >
  readonly missing: readonly { readonly component: string; readonly code: string }[]
}

export async function snapshots(context: CommandContext, options: SliceOptions): Promise<void> {
  const selected = selectedSlice(options)
  const listed = await withRepository(context, async ({ repository, platform }) => {
    const found: ListedSnapshot[] = []
    if (selected !== undefined) await collect(repository, selected.name, found)
    else
      for await (const slice of knownSlices(repository.records, platform.clock.now()))
        await collect(repository, slice, found)
    return found.sort((a, b) => (a.time < b.time ? 1 : a.time > b.time ? -1 : a.slice < b.slice ? -1 : 1))
  })
  answer(context, listed, () => forPeople(context, listed))
}

async function collect(repository: DeploymentRepository, slice: SliceName, found: ListedSnapshot[]): Promise<void> {
  const newest = await repository.openSlice(slice, { access: 'read-trees' })
  if (newest === undefined) return
  for (let generation = newest.generation; generation >= 1; generation--) {
    const opened =
      generation === newest.generation
        ? newest
        : await repository.openSlice(slice, { access: 'read-trees', generation })
    if (opened === undefined) continue
    for await (const snapshot of opened.snapshots()) found.push(list(slice, generation, snapshot))
  }
}

function list(slice: SliceName, generation: number, snapshot: Snapshot): ListedSnapshot {
  const components = Object.entries(snapshot.components).map(
    ([name, { root, resources, bytes, notes, suspect, readAt }]) =>
      [name, { root, resources, bytes, notes, suspect: suspect !== undefined, readAt }] as const,
  )
  return {
    id: `${slice}@${snapshot.id}`,
    slice,
    generation,
    run: snapshot.run,
    time: snapshot.time,
    ...(snapshot.accepted ? { accepted: true as const } : {}),
    components: Object.fromEntries(components),
    missing: snapshot.missing,
  }
}

function forPeople(context: CommandContext, listed: readonly ListedSnapshot[]): string {
  const { terminal } = context
  if (listed.length === 0) return 'There is no snapshot yet. Make one with `toriki backup`.\n'
  return formatTable<ListedSnapshot>(
    [
      // Never cut: people copy it. It holds the time of its run, in UTC.
      { heading: 'SNAPSHOT', cell: (row) => row.id },
      {
        heading: 'HOLDS',
        cell: holds,
        flexible: true,
        paint: (text, row) => (isWorrying(row) ? terminal.style('yellow', text) : text),
      },
    ],
    listed,
    terminal.width,
    (text) => terminal.style('bold', text),
  )
}

function isWorrying(row: ListedSnapshot): boolean {
  return (
    row.missing.some(({ code }) => code !== 'not-selected') ||
    (row.accepted !== true && Object.values(row.components).some(({ suspect }) => suspect))
  )
}

function holds(row: ListedSnapshot): string {
  const kept = Object.entries(row.components).map(
    ([name, record]) =>
      `${name} ${formatCount(record.resources)}${record.bytes > 0 ? ` (${formatBytes(record.bytes)})` : ''}${record.suspect ? (row.accepted === true ? ' accepted' : ' SUSPECT') : ''}`,
  )
  const missing = row.missing
    .filter(({ code }) => code !== 'not-selected')
    .map(({ component, code }) => `no ${component}: ${code}`)
  return [...kept, ...missing].join(', ')
}
