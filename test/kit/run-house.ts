/**
 * A service for tests of runs: fake components, everything else in memory, a clock that the test turns, alarms and figures kept in lists. The repository is
 * handed in; `recordsOnly` is one that knows runs but no slices.
 */
import assert from 'node:assert/strict'
import type { Alarm, RunLimits, Service } from '../../lib/backup/service.ts'
import type { DeploymentRepository } from '../../lib/repository/repository.ts'
import type { MetricName } from '../../lib/platform/metrics.ts'
import { FakeClock } from './fake-clock.ts'
import type { FakeComponent } from './fake-component.ts'
import { memoryPlatform } from './memory-platform.ts'
import type { MemoryPlatform } from './memory-platform.ts'
import { memoryRecords } from './memory-records.ts'
import type { MemoryRecords } from './memory-records.ts'

export interface RunHouse {
  readonly service: Service
  readonly platform: MemoryPlatform
  readonly clock: FakeClock
  readonly alarms: Alarm[]
  readonly figures: [name: MetricName, value: number][]
}

export interface RunHouseOptions {
  readonly components: readonly FakeComponent[]
  readonly limits?: Partial<RunLimits>
  readonly platform?: MemoryPlatform
  readonly clock?: FakeClock
  /** Does somebody keep the figures? They are in the list either way. */
  readonly keepsMetrics?: boolean
  readonly repository: (platform: MemoryPlatform) => DeploymentRepository | Promise<DeploymentRepository>
}

export async function runHouse(options: RunHouseOptions): Promise<RunHouse> {
  const clock = options.clock ?? new FakeClock()
  const limits = { parallel: 2, attempts: 3, shrink: 0.2, visibilityMs: 60_000, ...options.limits }
  const platform = options.platform ?? memoryPlatform({ clock, receivesMax: limits.attempts })
  const alarms: Alarm[] = []
  const figures: [MetricName, number][] = []
  const service: Service = {
    platform,
    repository: await options.repository(platform),
    components: options.components,
    limits,
    alarm: async (alarm) => void alarms.push(alarm),
    metrics: {
      kept: options.keepsMetrics ?? false,
      add: (name, value) => void figures.push([name, value]),
      flush: () => undefined,
    },
  }
  return { service, platform, clock, alarms, figures }
}

/** A deployment of records alone: for use cases that open no slice. Slice ids are readable here, and sort as names do. */
export function recordsOnly(clock: FakeClock): DeploymentRepository & { readonly records: MemoryRecords } {
  return {
    name: 'campus',
    id: 'deployment-id',
    sliceId: (slice) => Buffer.from(slice).toString('hex'),
    openSlice: () => assert.fail('this use case opens no slice'),
    records: memoryRecords(() => clock.now()),
  }
}

/** A service over records alone, with its records. */
export async function recordsHouse(
  components: readonly FakeComponent[],
  limits: Partial<RunLimits> = {},
): Promise<RunHouse & { readonly records: MemoryRecords }> {
  const clock = new FakeClock()
  const repository = recordsOnly(clock)
  const house = await runHouse({ components, limits, clock, repository: () => repository })
  return { ...house, records: repository.records }
}

/** A deadline that does not come. */
export const noDeadline = { signal: new AbortController().signal }
