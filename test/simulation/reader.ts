/** What the production reader makes of the store: held against the independent checker, and against what the role that writes backups may do. */
import { createHash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { TorikiError } from '../../lib/errors.ts'
import type { DeploymentRepository, SliceRepository, StoredResource } from '../../lib/repository/repository.ts'
import type { Snapshot } from '../../lib/repository/snapshot.ts'
import type { SliceName } from '../../lib/resources/slice.ts'
import type { NamedSlice } from './checker/check-store.ts'
import type { CheckedResource } from './checker/entries.ts'
import { exportParentKey } from './checker/hpke-export.ts'
import { HEADER_BYTES, kinds, openHeader, openSealed } from './checker/sealed-object.ts'
import { latestOf, newestOfEach } from './promises.ts'
import { sourceNames } from './world.ts'

/** Every snapshot that is shown is whole and says what the checker finds, none is left out, and what is suspect is never the latest. */
export async function checkReader(deployment: DeploymentRepository, slices: readonly NamedSlice[]): Promise<string[]> {
  const wrong: string[] = []
  for (const slice of slices) {
    const where = `${String(slice.name)} generation ${slice.generation}`
    const repository = await deployment.openSlice(slice.name as SliceName, {
      access: 'read-content',
      generation: slice.generation,
    })
    if (repository === undefined) {
      wrong.push(`${where} does not open`)
      continue
    }
    const shown: Snapshot[] = []
    for await (const snapshot of repository.snapshots()) shown.push(snapshot)
    const expected = newestOfEach(slice.snapshots)
    if (
      !isDeepStrictEqual(
        shown.map(({ id }) => id).reverse(),
        expected.map(({ id }) => id),
      )
    )
      wrong.push(`${where} shows other snapshots than there are`)
    for (const snapshot of shown) {
      const checked = expected.find(({ id }) => id === snapshot.id)
      for (const component of Object.keys(snapshot.components)) {
        const read = await readComponent(repository, snapshot, component)
        if (!isDeepStrictEqual(read, checked?.components.get(component)?.resources))
          wrong.push(`${where} ${snapshot.id} reads other than it is`)
      }
    }
    for (const source of sourceNames) {
      const latest = await repository.latest(source)
      if (latest?.id !== latestOf(slice, source)?.id)
        wrong.push(`${where}: ${String(latest?.id)} is shown as the latest of ${source}`)
    }
  }
  return wrong
}

/** All of one component, as the checker names it. */
export async function readComponent(
  repository: SliceRepository,
  snapshot: Snapshot,
  component: string,
): Promise<Map<string, CheckedResource>> {
  const found = new Map<string, CheckedResource>()
  for await (const resource of repository.resources(snapshot, component))
    found.set(resource.key.toString('latin1'), await plain(repository, resource))
  return found
}

async function plain(repository: SliceRepository, resource: StoredResource): Promise<CheckedResource> {
  const { state, kept } = await repository.body(resource)
  const bytes = async (reference: NonNullable<StoredResource['content']>): Promise<Buffer> => {
    const parts: Buffer[] = []
    for await (const part of repository.content(reference))
      parts.push('holeBytes' in part ? Buffer.alloc(part.holeBytes) : Buffer.from(part))
    return Buffer.concat(parts)
  }
  const secrets: Record<string, string> = {}
  for (const [name, reference] of Object.entries(resource.secrets))
    secrets[name] = (await bytes(reference)).toString('utf8')
  const content =
    resource.content &&
    createHash('sha256')
      .update(await bytes(resource.content))
      .digest('hex')
  return { state, kept, secrets, contentSha256: content }
}

/** Nothing that the role which writes backups was ever handed opens a byte of content, nor does the reader under that role. */
export async function checkLocked(
  underBackupRole: DeploymentRepository,
  slices: readonly NamedSlice[],
  objects: ReadonlyMap<string, Buffer>,
  unwrapped: ReadonlySet<string>,
): Promise<string[]> {
  const wrong: string[] = []
  const secrets = [...unwrapped].flatMap((hex) => {
    const bytes = Buffer.from(hex, 'hex')
    return [bytes.subarray(0, 32), bytes.subarray(32)]
  })
  for (const slice of slices) {
    const refused = await underBackupRole
      .openSlice(slice.name as SliceName, { access: 'read-content', generation: slice.generation })
      .then(
        () => undefined,
        (error: unknown) => error,
      )
    if (!(refused instanceof TorikiError) || refused.code !== 'key-unusable')
      wrong.push(`${String(slice.name)} opens for reading content under the role that writes it`)
    for (const [path, bytes] of objects) {
      const inPack = path.startsWith(`slices/${slice.sliceId}/packs/`)
      if (!inPack && !path.startsWith(`slices/${slice.sliceId}/snapshots/`)) continue
      const record = inPack ? bytes : openSealed(bytes, kinds.snapshot, path, slice.secrets.treeKey)[2]
      if (record === undefined || record.length === 0) continue
      const enc = inPack ? record.subarray(HEADER_BYTES, HEADER_BYTES + 32) : record.subarray(0, 32)
      const header = inPack ? record.subarray(0, HEADER_BYTES) : record.subarray(32, 32 + HEADER_BYTES)
      for (const secret of secrets) {
        for (const parent of [secret, exportParentKey(enc, secret, Buffer.from(`toriki content\0${path}`))]) {
          if (opens(header, inPack ? kinds.pack : kinds.inlineContent, path, parent))
            wrong.push(`${path} opens with what the backup role holds`)
        }
      }
    }
  }
  return wrong
}

function opens(header: Buffer, kind: number, path: string, parentKey: Buffer): boolean {
  try {
    openHeader(header, kind, path, parentKey)
    return true
  } catch {
    return false
  }
}
