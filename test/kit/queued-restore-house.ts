/** A restore house whose restores are worked on by messages: the service that takes them, and the one of the dead-letter function, which cannot write. */
import type { Alarm, Service } from '../../lib/backup/service.ts'
import type { JsonObject } from '../../lib/resources/json.ts'
import type { SliceName } from '../../lib/resources/slice.ts'
import type { QueuedRestoreService } from '../../lib/restore/queued-service.ts'
import { restoreHouse } from './restore-house.ts'
import type { RestoreHouse } from './restore-house.ts'

export interface QueuedRestoreHouse extends RestoreHouse {
  readonly restoring: QueuedRestoreService
  /** What a command line sends and follows with. */
  readonly sending: QueuedRestoreService
  /** Of the other functions. */
  readonly recording: Service
  readonly alarms: Alarm[]
}

export async function queuedRestoreHouse(
  people: Readonly<Partial<Record<SliceName, Readonly<Record<string, JsonObject>>>>>,
): Promise<QueuedRestoreHouse> {
  const { 'user/ann': things = {}, ...others } = people
  const house = await restoreHouse(things, {}, others)
  const { repository, components, limits } = house.service
  const alarms: Alarm[] = []
  const restoring = { ...house.service, platform: house.platform, limits: { ...limits, parallel: 2 } }
  return {
    ...house,
    restoring,
    sending: { ...restoring, components: [], writers: [] },
    recording: {
      platform: house.platform,
      repository,
      components,
      limits: { parallel: 2, attempts: limits.attempts, shrink: 0.2, visibilityMs: 60_000 },
      alarm: async (alarm) => void alarms.push(alarm),
      metrics: { kept: false, add: () => undefined, flush: () => undefined },
    },
    alarms,
  }
}
