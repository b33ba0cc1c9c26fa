import type { SealedRecords } from '../repository/repository.ts'
import { formatKey } from '../resources/key.ts'
import { planItems } from './slice-plan.ts'
import type { PlanPlace } from './slice-plan.ts'

interface Known {
  readonly place: string
  readonly keys: Promise<ReadonlySet<string>>
}

/** Of each store the plan that was asked about last: everybody of a restore asks about the same. */
const known = new WeakMap<SealedRecords, Known>()

/** Written keys of what the plan of a slice makes and changes. */
export async function madeKeys(records: SealedRecords, where: PlanPlace): Promise<ReadonlySet<string>> {
  const place = `${where.restore} ${where.sliceId}`
  const last = known.get(records)
  if (last?.place === place) return await last.keys
  const keys = read(records, where)
  known.set(records, { place, keys })
  keys.catch(() => known.delete(records))
  return await keys
}

async function read(records: SealedRecords, where: PlanPlace): Promise<ReadonlySet<string>> {
  const keys = new Set<string>()
  for await (const { action, key } of planItems(records, where))
    if (action === 'create' || action === 'update') keys.add(formatKey(Buffer.from(key, 'base64url')))
  return keys
}
