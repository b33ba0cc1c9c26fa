/** Alarms that are told once: at least once, and again only where a cut hid that they were. The mark is written after the telling. */
import { groupFailures } from '../runs/outcome.ts'
import type { Failure } from '../runs/outcome.ts'
import { recordTold, wasTold } from '../runs/run-log.ts'
import type { Alarm, Service } from './service.ts'

/** Groups of causes in one alarm. */
const GROUPS_MAX = 20

/** `what`: a word of [a-z0-9-], the alarm's name inside its run. */
export async function tellOnce(
  service: Pick<Service, 'repository' | 'platform' | 'alarm'>,
  run: string,
  what: string,
  alarm: Omit<Alarm, 'deployment' | 'run'>,
): Promise<void> {
  const { records } = service.repository
  if (await wasTold(records, run, what)) return
  await service.alarm({ ...alarm, deployment: service.repository.name, run })
  await recordTold(records, run, what, service.platform.clock.now())
}

/** Failures as an alarm has them: causes with counts, nobody's name. */
export function alarmFailures(failures: readonly Failure[]): NonNullable<Alarm['failures']> {
  return groupFailures(failures)
    .slice(0, GROUPS_MAX)
    .map(({ code, component, count, remedy }) => ({
      code,
      ...(component === undefined ? {} : { component }),
      count,
      remedy,
    }))
}
