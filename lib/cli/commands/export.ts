/** `toriki export`: a snapshot as plain files: one JSON file per resource, files as files under `files/`. */
import { constants } from 'node:fs'
import { mkdir, open, readdir, rm, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { TorikiError } from '../../errors.ts'
import type { SliceRepository, StoredResource } from '../../repository/repository.ts'
import type { Snapshot } from '../../repository/snapshot.ts'
import { decodeKey, ENTRY_KIND, formatSegment } from '../../resources/key.ts'
import { answer } from '../context.ts'
import type { CommandContext } from '../context.ts'
import { formatBytes, plural } from '../quantities.ts'
import { shownBody } from '../resource-view.ts'
import { withRepository } from '../session.ts'
import { viewSnapshot } from '../snapshot-reference.ts'
import { requiredSlice } from '../slice-selection.ts'
import type { SliceOptions } from '../slice-selection.ts'

export interface ExportOptions extends SliceOptions {
  readonly snapshot?: string
  readonly out: string
  readonly secrets?: boolean
}

interface Exported {
  readonly snapshot: string
  readonly out: string
  resources: number
  files: number
  bytes: number
}

/** A link is made only when every directory and file stands: nothing is ever written through one. */
interface PendingLink {
  readonly path: Buffer
  readonly target: Buffer
}

export async function exportSnapshot(context: CommandContext, options: ExportOptions): Promise<void> {
  const slice = requiredSlice(options)
  await refuseUnlessEmpty(options.out)
  const exported = await withRepository(context, async ({ repository }) => {
    const view = await viewSnapshot(repository, options.snapshot ?? 'latest', slice, 'read-content')
    const sum: Exported = { snapshot: view.label, out: options.out, resources: 0, files: 0, bytes: 0 }
    const links: PendingLink[] = []
    for (const [component, snapshot] of view.components)
      await exportComponent(view.repository, snapshot, component, options, sum, links, context.signal)
    for (const link of links) await symlink(link.target, link.path)
    return sum
  })
  answer(
    context,
    exported,
    () =>
      `${exported.snapshot}: ${plural(exported.resources, 'resource')} and ${plural(exported.files, 'file')} (${formatBytes(exported.bytes)}) written to ${exported.out}\n`,
  )
}

async function exportComponent(
  repository: SliceRepository,
  snapshot: Snapshot,
  component: string,
  options: ExportOptions,
  sum: Exported,
  links: PendingLink[],
  signal: AbortSignal,
): Promise<void> {
  for await (const resource of repository.resources(snapshot, component)) {
    signal.throwIfAborted()
    const { kind, segments } = decodeKey(resource.key)
    if (kind !== ENTRY_KIND) {
      const folder = join(options.out, component, kind, ...segments.slice(0, -1).map(fileName))
      await mkdir(folder, { recursive: true })
      const body = `${JSON.stringify(await shownBody(repository, resource, options.secrets === true), undefined, 2)}\n`
      const file = await open(join(folder, `${fileName(segments.at(-1) ?? Buffer.alloc(0))}.json`), 'wx', 0o600)
      await file.writeFile(body).finally(() => file.close())
      sum.resources++
    } else await exportEntry(repository, resource, segments, join(options.out, component), sum, links)
  }
}

async function exportEntry(
  repository: SliceRepository,
  resource: StoredResource,
  segments: readonly Buffer[],
  root: string,
  sum: Exported,
  links: PendingLink[],
): Promise<void> {
  // A snapshot is hostile input: a segment that is no file name never becomes one.
  if (
    segments.some(
      (segment) =>
        segment.length === 0 ||
        segment.equals(Buffer.from('.')) ||
        segment.equals(Buffer.from('..')) ||
        segment.includes(0x2f) ||
        segment.includes(0),
    )
  ) {
    throw new TorikiError('seal-broken', { message: 'A stored path is not a path inside a home.' })
  }
  const path = Buffer.concat([Buffer.from(root), ...segments.flatMap((segment) => [Buffer.from('/'), segment])])
  const { state } = await repository.body(resource)
  if (state['type'] === 'directory') await mkdir(path, { recursive: true })
  else if (resource.content !== undefined) {
    const file = await open(
      path,
      constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
      0o600,
    )
    try {
      let offset = 0
      for await (const part of repository.content(resource.content)) {
        if (part instanceof Uint8Array) {
          await file.write(part, 0, part.length, offset)
          offset += part.length
        } else offset += part.holeBytes
      }
      await file.truncate(offset)
      sum.bytes += offset
    } finally {
      await file.close()
    }
    sum.files++
  } else if (state['type'] === 'link') {
    const target = state['target']
    const bytes = state['targetBytes']
    links.push({
      path,
      target:
        typeof bytes === 'string'
          ? Buffer.from(bytes, 'base64url')
          : Buffer.from(typeof target === 'string' ? target : ''),
    })
  }
}

/** One segment as a file name of its own: `/`, `%`, control characters, a leading dot and over-long names are made harmless. */
function fileName(segment: Uint8Array): string {
  const written = formatSegment(segment).replace(/^\./, '%2E')
  return written === ''
    ? '%'
    : written.length > 200
      ? `${written.slice(0, 180)}~${Buffer.from(segment).toString('hex').slice(-16)}`
      : written
}

async function refuseUnlessEmpty(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  if ((await readdir(folder)).length > 0)
    throw new TorikiError('usage', { message: `${folder} is not empty.`, remedy: 'Name a new folder with --out.' })
  const probe = join(folder, '.toriki-probe')
  await (await open(probe, 'wx')).close()
  await rm(probe)
}
