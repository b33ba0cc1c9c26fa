/** `toriki find PATTERN`: where a file, a person or a role stands, in every snapshot, one row per distinct version. */
import ignore from 'ignore'
import { knownSlices } from '../../backup/known-slices.ts'
import { TorikiError } from '../../errors.ts'
import type { DeploymentRepository } from '../../repository/repository.ts'
import type { SliceName } from '../../resources/slice.ts'
import { answer } from '../context.ts'
import type { CommandContext } from '../context.ts'
import { formatBytes } from '../quantities.ts'
import { listedResource } from '../resource-view.ts'
import type { ListedResource } from '../resource-view.ts'
import { withRepository } from '../session.ts'
import { selectedSlice } from '../slice-selection.ts'
import type { SliceOptions } from '../slice-selection.ts'

interface Found extends ListedResource {
  readonly snapshot: string
  readonly time: string
}

/**
 * The pattern is a gitignore rule over written keys: `*.ipynb` anywhere, `/user/ann` from the top, `notes/**`. Each distinct version of a resource is
 * listed once, with the newest snapshot that holds it.
 */
export async function find(context: CommandContext, pattern: string, options: SliceOptions): Promise<void> {
  const matcher = ignore({ ignorecase: false }).add(pattern)
  if (pattern.trim() === '' || pattern.startsWith('!') || pattern.startsWith('#'))
    throw new TorikiError('usage', { message: 'A pattern is a name such as *.ipynb or notes/**.' })
  const selected = selectedSlice(options)
  const found = await withRepository(context, async ({ repository, platform }) => {
    const rows: Found[] = []
    if (selected !== undefined) await search(repository, selected.name, matcher, rows)
    else
      for await (const slice of knownSlices(repository.records, platform.clock.now()))
        await search(repository, slice, matcher, rows)
    return rows
  })
  const { terminal } = context
  // Ids and keys are for copying: never cut.
  answer(context, found, () =>
    found.length === 0
      ? 'Nothing found.\n'
      : found
          .map(
            ({ snapshot, component, size, key }) =>
              `${terminal.style('dim', `${snapshot}  ${component}`)}  ${key}${size === undefined ? '' : terminal.style('dim', `  ${formatBytes(size)}`)}\n`,
          )
          .join(''),
  )
}

async function search(
  repository: DeploymentRepository,
  slice: SliceName,
  matcher: ReturnType<typeof ignore>,
  rows: Found[],
): Promise<void> {
  const opened = await repository.openSlice(slice, { access: 'read-trees' })
  if (opened === undefined) return
  const roots = new Set<string>()
  const versions = new Set<string>()
  for await (const snapshot of opened.snapshots()) {
    for (const [component, record] of Object.entries(snapshot.components)) {
      const root = `${component} ${record.root}`
      if (roots.has(root)) continue
      roots.add(root)
      for await (const resource of opened.resources(snapshot, component)) {
        const listed = listedResource(component, resource)
        if (listed.key === '.' || !matcher.ignores(listed.key)) continue
        const version = `${component} ${listed.key} ${resource.stateDigest}`
        if (versions.has(version)) continue
        versions.add(version)
        rows.push({ snapshot: `${slice}@${snapshot.id}`, time: snapshot.time, ...listed })
      }
    }
  }
}
