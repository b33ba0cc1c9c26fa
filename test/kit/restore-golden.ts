/** Restores ann's home out of a golden repository by the production code, in place, below a root. */
import { filesComponent } from '../../lib/components/files/component.ts'
import { filesWriter } from '../../lib/components/files/write/writer.ts'
import { systemClock } from '../../lib/platform/clock.ts'
import type { StorePlatform } from '../../lib/platform/platform.ts'
import { openDeployment } from '../../lib/repository/deployment-repository.ts'
import { formatKey } from '../../lib/resources/key.ts'
import { userSlice } from '../../lib/resources/slice.ts'
import { planSlice } from '../../lib/restore/plan-slice.ts'
import { restoreId } from '../../lib/restore/restore-id.ts'
import { restoreSlice } from '../../lib/restore/restore-slice.ts'
import type { RestoreService } from '../../lib/restore/service.ts'
import type { RestoreStep } from '../../lib/restore/slice-log.ts'
import type { SlicePlan } from '../../lib/restore/slice-plan.ts'
import { planItems } from '../../lib/restore/slice-plan.ts'

const OPTIONS = { installerOwned: false, privileged: false }

export interface GoldenRestore {
  readonly plan: SlicePlan
  readonly step: RestoreStep
  /** Written keys of what could not be made here, or was not brought. */
  readonly cannot: readonly string[]
  /** Why, by written key. */
  readonly reasons: Readonly<Record<string, string>>
}

export async function restoreGolden(platform: Omit<StorePlatform, 'clock'>, root: string): Promise<GoldenRestore> {
  const settings = { root, home: 'home/{user}', exclude: [], excludeDefaults: true }
  const repository = await openDeployment({ ...platform, clock: systemClock }, { name: 'campus' })
  const service: RestoreService = {
    platform: { ...platform, clock: systemClock },
    repository,
    components: [filesComponent(settings)],
    writers: [filesWriter(settings)],
    limits: { attempts: 1 },
  }
  const { signal } = new AbortController()
  const slice = userSlice('ann')
  const restore = restoreId(systemClock.now(), 'golden')
  const plan = await planSlice(service, { restore, slice, inPlace: true, deleteExtra: false, options: OPTIONS }, signal)
  const sliceId = repository.sliceId(slice.name, 1)
  const reasons: Record<string, string> = {}
  for await (const { key, action, reason } of planItems(repository.records, { restore, sliceId }))
    if (action === 'cannot') reasons[formatKey(Buffer.from(key, 'base64url'))] = reason ?? ''
  const step = await restoreSlice(service, { restore, sliceId, options: OPTIONS, attempt: 1, signal })
  return { plan, step, reasons, cannot: Object.keys(reasons) }
}
