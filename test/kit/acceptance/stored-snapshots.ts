/** Opens what a deployment has stored, as a fresh reader with the settings and the keyring would: every snapshot, every entry, every byte. */
import { createHash } from 'node:crypto'
import { knownSlices } from '../../../lib/backup/known-slices.ts'
import { silentLog } from '../../../lib/log.ts'
import { assemblePlatform } from '../../../lib/platform/assemble.ts'
import { openDeployment } from '../../../lib/repository/deployment-repository.ts'
import type { DeploymentRepository, SliceRepository, StoredResource } from '../../../lib/repository/repository.ts'
import type { Snapshot } from '../../../lib/repository/snapshot.ts'
import { decodeKey, ENTRY_KIND, formatKey } from '../../../lib/resources/key.ts'
import type { SliceName } from '../../../lib/resources/slice.ts'
import { loadSettings } from '../../../lib/load-settings.ts'
import type { FileMap } from './home-files.ts'

export interface StoredSnapshot {
  readonly slice: SliceName
  readonly repository: SliceRepository
  readonly snapshot: Snapshot
}

/** Opens store and keys for as long as the action takes. Asks no source and no queue. */
export async function withStored<T>(
  settingsFile: string,
  action: (repository: DeploymentRepository) => Promise<T>,
): Promise<T> {
  const settings = await loadSettings({ file: settingsFile, resolve: 'platform' })
  const platform = await assemblePlatform(settings, { log: silentLog })
  try {
    return await action(await openDeployment(platform, { name: settings.deployment }))
  } finally {
    await platform.close()
  }
}

/** The snapshots of every slice that any run ever had, newest generation, newest first. */
export async function* storedSlices(repository: DeploymentRepository): AsyncGenerator<AsyncIterable<StoredSnapshot>> {
  for await (const slice of knownSlices(repository.records, new Date())) {
    const opened = await repository.openSlice(slice, { access: 'read-content' })
    if (opened !== undefined) yield snapshotsOf(opened)
  }
}

async function* snapshotsOf(repository: SliceRepository): AsyncGenerator<StoredSnapshot> {
  for await (const snapshot of repository.snapshots()) yield { slice: repository.slice, repository, snapshot }
}

/** The same as one list. */
export async function* storedSnapshots(repository: DeploymentRepository): AsyncGenerator<StoredSnapshot> {
  for await (const slice of storedSlices(repository)) yield* slice
}

/** The snapshot's files, every byte read, in the words of `homeFiles`. */
export async function storedFiles({ repository, snapshot }: StoredSnapshot): Promise<FileMap> {
  const found = new Map<string, string>()
  /** Content stands at the first name of a hard link. */
  const first = new Map<string, string>()
  for await (const resource of repository.resources(snapshot, 'files')) {
    const { state } = await repository.body(resource)
    const path = pathOf(resource)
    const mode = textOf(state['mode'])
    if (state['type'] === 'link') found.set(path, `link ${targetOf(state)}`)
    else if (state['type'] === 'directory') found.set(path, `directory ${mode}`)
    else if (state['type'] !== 'file') found.set(path, 'special')
    else {
      const other = textOf(state['hardLinkTo'])
      const bytes = other === '' ? await contentDigest(repository, resource) : first.get(other)
      first.set(formatKey(resource.key), bytes ?? '')
      found.set(path, `file ${mode} ${bytes ?? `no content at ${other}`}`)
    }
  }
  return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** Reads all that the snapshot holds, of whatever component, and gives one digest of it. @throws whatever does not open. */
export async function snapshotDigest({ repository, snapshot }: StoredSnapshot): Promise<string> {
  const hash = createHash('sha256')
  for (const component of Object.keys(snapshot.components).sort()) {
    for await (const resource of repository.resources(snapshot, component)) {
      hash.update(JSON.stringify([component, formatKey(resource.key), await repository.body(resource)]))
      hash.update(await contentDigest(repository, resource))
      for (const reference of Object.values(resource.secrets)) hash.update(await digestOf(repository, reference))
    }
  }
  return hash.digest('hex').slice(0, 32)
}

async function contentDigest(repository: SliceRepository, { content }: StoredResource): Promise<string> {
  return content === undefined ? createHash('sha256').digest('hex').slice(0, 32) : await digestOf(repository, content)
}

async function digestOf(
  repository: SliceRepository,
  reference: NonNullable<StoredResource['content']>,
): Promise<string> {
  const hash = createHash('sha256')
  for await (const part of repository.content(reference))
    hash.update(part instanceof Uint8Array ? part : Buffer.alloc(part.holeBytes))
  return hash.digest('hex').slice(0, 32)
}

function pathOf({ key }: StoredResource): string {
  const { kind, segments } = decodeKey(key)
  if (kind !== ENTRY_KIND) throw new Error(`not a file: ${formatKey(key)}`)
  return segments.length === 0 ? '.' : segments.map((segment) => segment.toString('latin1')).join('/')
}

function targetOf(state: Readonly<Record<string, unknown>>): string {
  const bytes = textOf(state['targetBytes'])
  return (bytes === '' ? Buffer.from(textOf(state['target'])) : Buffer.from(bytes, 'base64url')).toString('latin1')
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
