/** What a repository holds, as plain data: of the newest snapshot of each history every resource, of the others a digest of each. */
import { createHash, hash } from 'node:crypto'
import { openDeployment } from '../../lib/repository/deployment-repository.ts'
import type { SliceRepository, StoredResource } from '../../lib/repository/repository.ts'
import type { StorePlatform } from '../../lib/platform/platform.ts'
import { canonicalJson } from '../../lib/resources/json.ts'
import type { JsonObject } from '../../lib/resources/json.ts'
import { formatKey } from '../../lib/resources/key.ts'
import { sliceHistories } from '../../lib/maintenance/slice-histories.ts'

export type Manifest = Readonly<Record<string, Readonly<Record<string, JsonObject>>>>

/** By history (`user/ann 1`) and snapshot with component (`<id> files`): written key → what it is, or 16 digits of its digest. */
export async function manifestOf(platform: StorePlatform): Promise<Manifest> {
  const repository = await openDeployment(platform, { name: 'campus' })
  const histories: Record<string, Record<string, JsonObject>> = {}
  for await (const history of sliceHistories({ repository, platform }, 'read-content')) {
    const all: Record<string, JsonObject> = (histories[`${history.slice} ${history.generation}`] = {})
    let isNewest = true
    for await (const snapshot of history.snapshots()) {
      for (const component of Object.keys(snapshot.components)) {
        const found: Record<string, JsonObject | string> = {}
        for await (const resource of history.resources(snapshot, component)) {
          const plain = await plainOf(history, resource)
          found[formatKey(resource.key)] = isNewest ? plain : hash('sha256', canonicalJson(plain)).slice(0, 16)
        }
        all[`${snapshot.id} ${component}`] = found
      }
      isNewest = false
    }
  }
  return histories
}

async function plainOf(history: SliceRepository, resource: StoredResource): Promise<JsonObject> {
  const { state, kept } = await history.body(resource)
  const secrets: Record<string, string> = {}
  for (const [name, reference] of Object.entries(resource.secrets)) {
    const pieces: Uint8Array[] = []
    for await (const part of history.content(reference)) if (!('holeBytes' in part)) pieces.push(part)
    secrets[name] = Buffer.concat(pieces).toString('utf8')
  }
  return {
    state,
    ...(Object.keys(kept).length > 0 && { kept }),
    ...(Object.keys(secrets).length > 0 && { secrets }),
    ...(resource.content && { content: await contentOf(history, resource.content) }),
  }
}

/** Its bytes in a digest, and where its holes are. */
async function contentOf(history: SliceRepository, reference: NonNullable<StoredResource['content']>): Promise<JsonObject> {
  const digest = createHash('sha256')
  const holes: string[] = []
  let at = 0
  for await (const part of history.content(reference)) {
    if ('holeBytes' in part) holes.push(`${at}+${part.holeBytes}`)
    else digest.update(part)
    at += 'holeBytes' in part ? part.holeBytes : part.length
  }
  return { size: at, sha256: digest.digest('hex'), ...(holes.length > 0 && { holes: holes.join(' ') }) }
}
