/**
 * Reads a whole store and says what it holds and what is wrong with it, from docs/format.md alone: slow, simple, and without a line of the code that
 * wrote it, so that the same mistake is not made twice.
 */
import { deploymentSecrets, sliceIdOf, sliceSecrets } from './keys.ts'
import type { DeploymentSecrets, SliceSecrets, Unwrap } from './keys.ts'
import { kinds, openSealed } from './sealed-object.ts'
import { checkSlice } from './slice.ts'
import type { CheckedSlice, Maintained, Violation } from './slice.ts'

export interface NamedSlice extends CheckedSlice {
  /** `undefined` where no run names it. */
  readonly name: string | undefined
  readonly generation: number | undefined
  /** Names and content keys, for whoever looks closer. */
  readonly secrets: SliceSecrets
}

export interface CheckedStore {
  readonly violations: readonly Violation[]
  readonly slices: readonly NamedSlice[]
  /** Records under `runs/` and `restores/`, by path. */
  readonly records: ReadonlyMap<string, Readonly<Record<string, unknown>>>
}

/** Generations looked for behind the last one that was found. */
const GENERATIONS_MAX = 20

/** `objects`: every object of the deployment, of the key store too. */
export function checkStore({
  objects,
  unwrap,
  maintained,
}: {
  readonly objects: ReadonlyMap<string, Buffer>
  readonly unwrap: Unwrap
  /** Forget and prune went by. */
  readonly maintained?: Maintained
}): CheckedStore {
  const violations: Violation[] = []
  const attempt = <T>(path: string, check: () => T): T | undefined => {
    try {
      return check()
    } catch (error) {
      violations.push({ path, what: error instanceof Error ? error.message : String(error) })
      return undefined
    }
  }
  const under = (prefix: string): [string, Buffer][] => [...objects].filter(([path]) => path.startsWith(prefix))
  const newest = (prefix: string): string | undefined => {
    const numbers = under(prefix).flatMap(([path]) =>
      /^[1-9]\d*$/.test(path.slice(prefix.length)) ? [Number(path.slice(prefix.length))] : [],
    )
    return numbers.length === 0 ? undefined : `${prefix}${Math.max(...numbers)}`
  }

  const deploymentPath = newest('deployment/')
  const keysPath = newest('keys/deployment/')
  if (deploymentPath === undefined || keysPath === undefined)
    return { violations: [{ path: 'deployment/', what: 'is not there' }], slices: [], records: new Map() }
  const deployment = JSON.parse(String(objects.get(deploymentPath))) as { id: string; sealed?: string }
  const secrets = attempt(keysPath, () => deploymentSecrets(objects.get(keysPath) as Buffer, unwrap, deployment.id))
  if (secrets === undefined) return { violations, slices: [], records: new Map() }
  const sealed = deployment.sealed
  if (sealed !== undefined)
    attempt(deploymentPath, () =>
      openSealed(Buffer.from(sealed, 'base64'), kinds.deployment, deploymentPath, secrets.runKey),
    )

  const records = new Map<string, Readonly<Record<string, unknown>>>()
  for (const [path, bytes] of [...under('runs/'), ...under('restores/')])
    attempt(path, () => records.set(path, readRecord(path, bytes, secrets)))
  const names = namesOf(records, secrets)

  const ids = new Set([...under('slices/'), ...under('keys/')].map(([path]) => path.split('/')[1] as string))
  ids.delete('deployment')
  const slices: NamedSlice[] = []
  for (const sliceId of ids) {
    const path = newest(`keys/${sliceId}/`)
    if (path === undefined) {
      violations.push({ path: `keys/${sliceId}/`, what: 'has no key object for what is sealed' })
      continue
    }
    const keys = attempt(path, () => sliceSecrets(objects.get(path) as Buffer, unwrap, deployment.id, sliceId))
    if (keys === undefined) continue
    checkBesideKeys(sliceId, objects, keys, secrets, attempt)
    const checked = checkSlice(sliceId, new Map(under(`slices/${sliceId}/`)), keys, violations, maintained)
    slices.push({
      ...checked,
      secrets: keys,
      name: names.get(sliceId)?.name,
      generation: names.get(sliceId)?.generation,
    })
  }
  checkSalts(objects, violations)
  for (const path of objects.keys()) {
    if (!/^(deployment|keys|slices|runs|restores|erased)\//.test(path))
      violations.push({ path, what: 'is in no place of the layout' })
  }
  return { violations, slices, records }
}

/** Every sealed object has a key of its own, hence a salt of its own: the numbers of records are used again in each. */
function checkSalts(objects: ReadonlyMap<string, Buffer>, violations: Violation[]): void {
  const seen = new Map<string, string>()
  for (const [path, bytes] of objects) {
    if (bytes.toString('latin1', 0, 6) !== 'toriki') continue
    const salt = bytes.toString('latin1', 8, 40)
    const other = seen.get(salt)
    if (other !== undefined) violations.push({ path, what: `has the salt of ${other}` })
    seen.set(salt, path)
  }
}

/** The owner's digest and the note that another generation follows. */
function checkBesideKeys(
  sliceId: string,
  objects: ReadonlyMap<string, Buffer>,
  keys: SliceSecrets,
  deployment: DeploymentSecrets,
  attempt: (path: string, check: () => unknown) => unknown,
): void {
  const owner = objects.get(`keys/${sliceId}/owner`)
  if (owner !== undefined) {
    attempt(`keys/${sliceId}/owner`, () => {
      const [digest, ...more] = openSealed(owner, kinds.owner, `keys/${sliceId}/owner`, keys.treeKey)
      if (digest?.length !== 32 || more.length > 0) throw new Error('is no digest')
    })
  }
  const next = objects.get(`keys/${sliceId}/next`)
  if (next !== undefined)
    attempt(`keys/${sliceId}/next`, () =>
      openSealed(next, kinds.nextGeneration, `keys/${sliceId}/next`, deployment.runKey),
    )
}

function readRecord(path: string, bytes: Buffer, { runKey }: DeploymentSecrets): Readonly<Record<string, unknown>> {
  const kind = path.startsWith('restores/') ? kinds.restoreRecord : kinds.runRecord
  const [record, ...more] = openSealed(bytes, kind, path, runKey)
  if (more.length > 0) throw new Error('has more than one record')
  const { value } = JSON.parse(String(record)) as { value: Record<string, unknown> }
  return value
}

/** Which slice and generation an id stands for: every name that a run lists, in every generation that may be. */
function namesOf(
  records: ReadonlyMap<string, Readonly<Record<string, unknown>>>,
  { namingKey }: DeploymentSecrets,
): Map<string, { name: string; generation: number }> {
  const names = new Map<string, { name: string; generation: number }>()
  for (const [path, record] of records) {
    if (!/^runs\/[^/]+\/slices\//.test(path)) continue
    for (const { slice } of record['slices'] as { slice: string }[]) {
      if (names.has(sliceIdOf(namingKey, slice, 1))) continue
      for (let generation = 1; generation <= GENERATIONS_MAX; generation++)
        names.set(sliceIdOf(namingKey, slice, generation), { name: slice, generation })
    }
  }
  return names
}
