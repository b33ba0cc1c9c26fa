/**
 * `schedule`: opens a run. Takes exactly `{}`, an event of EventBridge or its Scheduler, or the known fields. Answers
 * `{"run","policy","slices","resumed"}`; with `dryRun` `{"dryRun":true,"total","slices":[{"slice","known"},…]}`, the first 1,000; and while another full
 * run is open `{"refused":"run-open","run","message","remedy"}`, which is told as a missing backup. Anything else is an error.
 */
import { invoked } from '../lib/assemble-service.ts'
import { withDeadline } from '../lib/backup/deadline.ts'
import type { Invocation } from '../lib/backup/deadline.ts'
import { parseScheduleTrigger } from '../lib/backup/schedule-trigger.ts'
import type { Service } from '../lib/backup/service.ts'
import { previewRun, startRun } from '../lib/backup/start-run.ts'
import type { StartedRun } from '../lib/backup/start-run.ts'
import { isTorikiError } from '../lib/errors.ts'

export type ScheduleAnswer =
  | StartedRun
  | {
      readonly dryRun: true
      readonly total: number
      readonly slices: readonly { readonly slice: string; readonly known: readonly string[] }[]
    }
  | { readonly refused: 'run-open'; readonly run: string; readonly message: string; readonly remedy: string }

const SHOWN_MAX = 1000

export async function handle(service: Service, input: unknown, invocation: Invocation): Promise<ScheduleAnswer> {
  const trigger = parseScheduleTrigger(input, invocation.awsRequestId)
  if (trigger.dryRun) {
    const members = await withDeadline(service, invocation, (signal) =>
      previewRun(service, trigger.selection, { signal }),
    )
    return {
      dryRun: true,
      total: members.length,
      slices: members.slice(0, SHOWN_MAX).map(({ slice, known }) => ({ slice, known })),
    }
  }
  try {
    return await withDeadline(service, invocation, (signal) => startRun(service, trigger, { signal }))
  } catch (error) {
    if (!isTorikiError(error, 'run-open')) throw error
    const run = String(error.ids['run'] ?? '')
    service.metrics.add('RunRefused', 1)
    await service.alarm({
      alarm: 'no-backup',
      deployment: service.repository.name,
      run,
      message: `No backup was begun: ${error.message}`,
    })
    return { refused: 'run-open', run, message: error.message, remedy: error.remedy }
  }
}

export async function handler(input: unknown, invocation: Invocation): Promise<ScheduleAnswer> {
  return await invoked(invocation, 'sources', (service) => handle(service, input, invocation))
}
