/** Messages that crash the process that takes them, with the queues' real settings: hidden for an hour and a half, given up after five tries, under a clock that the test turns. */
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { handle as deadLetter } from '../../../functions/dead-letter.ts'
import { handle as settleRun } from '../../../functions/settle-run.ts'
import { assembleService } from '../../../lib/assemble-service.ts'
import { runReport } from '../../../lib/backup/run-report.ts'
import type { Alarm, Service } from '../../../lib/backup/service.ts'
import { startRun } from '../../../lib/backup/start-run.ts'
import { FUNCTION_TIMEOUT_MS, VISIBILITY_FACTOR } from '../../../lib/limits.ts'
import { loadSettings } from '../../../lib/load-settings.ts'
import { silentLog } from '../../../lib/log.ts'
import type { ReceivedMessage } from '../../../lib/platform/queue/port.ts'
import { startAwsPlaces } from '../../kit/acceptance/aws-places.ts'
import type { AwsPlaces } from '../../kit/acceptance/aws-places.ts'
import { makeNebari } from '../../kit/acceptance/nebari.ts'
import { functionProcesses } from '../../kit/function-process/function-process.ts'
import { noDeadline } from '../../kit/run-house.ts'
import { TurnedClock } from '../../kit/turned-clock.ts'

const USERS = 12
const TOTAL = USERS + 3
const ATTEMPTS = 5
const VISIBILITY_MS = FUNCTION_TIMEOUT_MS * VISIBILITY_FACTOR
/** The host looks again after this, when it found nothing to do. */
const STEP_MS = 300_000

let places: AwsPlaces
beforeAll(async () => {
  places = await startAwsPlaces({ queuesStandAt: new Date() })
}, 900_000)
afterAll(() => places?.stop())

test('one who fills the memory and one who takes for ever: each ends as `ended-without-report`, everybody else is saved, and it is told within five times the queue’s visibility', async () => {
  const made = await places.make('aws', 'crashing-message')
  const nebari = await makeNebari({ users: USERS, change: (settings) => void Object.assign(settings, made) })
  const clock = new TurnedClock((now) => places.sqs.setTime(now))
  const turn = (ms: number): Promise<void> => clock.turn(ms)
  await turn(0)
  const alarms: (Alarm & { readonly at: number })[] = []
  const service: Service = {
    ...(await assembleService(await loadSettings({ file: nebari.settings }), { log: silentLog, clock })),
    alarm: async (alarm) => void alarms.push({ ...alarm, at: clock.now().getTime() }),
  }
  const { queues } = service.platform
  const functions = functionProcesses(nebari.settings, 'ben', 'kofi')
  const invocation = { awsRequestId: 'test', getRemainingTimeInMillis: () => FUNCTION_TIMEOUT_MS }
  const receive = { max: 1, waitMs: 0, visibilityMs: VISIBILITY_MS } as const
  const ends: string[] = []

  const begunAt = clock.now().getTime()
  const { run } = await startRun(service, {}, noDeadline)
  try {
    while ((await runReport(service, run)).open) {
      let idle = true
      for (const message of await queues.queue('backup-slice').receive(receive)) {
        idle = false
        const now = clock.now().toISOString()
        const event = { Records: [recordOf(message)] }
        const answer = await functions.invoke({ event, now, limitMs: FUNCTION_TIMEOUT_MS })
        if (typeof answer === 'string') ends.push(`${answer} ${sliceOf(message)}`)
        else if (answer.batchItemFailures.length === 0) await queues.queue('backup-slice').delete(message.receipt)
      }
      for (const message of await queues.queue('settle-run').receive(receive)) {
        const { batchItemFailures } = await settleRun(service, { Records: [recordOf(message)] }, invocation)
        if (batchItemFailures.length === 0) await queues.queue('settle-run').delete(message.receipt)
      }
      for (const message of await queues.deadLetter('backup-slice').receive(receive)) {
        const { batchItemFailures } = await deadLetter(service, { Records: [recordOf(message)] })
        if (batchItemFailures.length === 0) await queues.deadLetter('backup-slice').delete(message.receipt)
      }
      if (idle) await turn(STEP_MS)
    }
    const report = await runReport(service, run)
    expect(ends.toSorted()).toEqual([
      ...Array.from({ length: ATTEMPTS }, () => 'crashed user/ben'),
      ...Array.from({ length: ATTEMPTS }, () => 'killed user/kofi'),
    ])
    expect(report).toMatchObject({
      outcome: 'partial',
      slices: { total: TOTAL, saved: TOTAL - 2, failed: 2, partial: 0, pending: 0 },
    })
    expect(report.failures.map(({ slice, code }) => `${slice} ${code}`).toSorted()).toEqual([
      'user/ben ended-without-report',
      'user/kofi ended-without-report',
    ])
    const told = alarms.filter(({ alarm }) => alarm === 'dead-letter')
    expect(told).toMatchObject([{ run, failures: [{ code: 'ended-without-report' }] }])
    expect(told[0]!.at - begunAt).toBeLessThan(ATTEMPTS * VISIBILITY_MS + 2 * STEP_MS)
  } finally {
    await functions.stop()
    await service.platform.close()
  }
})

function recordOf({ id, receipt, body, receiveCount }: ReceivedMessage) {
  return { messageId: id, receiptHandle: receipt, body, attributes: { ApproximateReceiveCount: String(receiveCount) } }
}

function sliceOf({ body }: ReceivedMessage): string {
  return (JSON.parse(body) as { readonly slice: string }).slice
}
