/** Records of runs are found under the run's own name, whoever wrote them. */
import { expect, test } from '@jest/globals'
import { runId } from '../../../lib/runs/run-id.ts'
import { createRun, findRun } from '../../../lib/runs/run-log.ts'
import { memoryRecords } from '../../kit/memory-records.ts'

const idAt = (day: number): string => runId(new Date(Date.UTC(2026, 10, day)), 'full', 'schedule')

async function recordsOf(run: string) {
  const records = memoryRecords()
  const at = '2026-11-21T00:00:00.000Z'
  const limits = { attemptsMax: 5, visibilityMs: 1000 }
  await createRun(
    records,
    {
      run,
      policy: 'full',
      intendedAt: at,
      startedAt: at,
      components: ['files'],
      slicesNonce: 'abc',
      sources: {},
      ...limits,
    },
    [],
  )
  return records
}

test('the record of another run is not believed', async () => {
  const [own, other] = [idAt(21), idAt(22)]
  const records = await recordsOf(own)
  expect(await findRun(records, own)).toMatchObject({ run: own })
  await records.create(`runs/${other}/run`, (await records.read(`runs/${own}/run`)) ?? {})
  await expect(findRun(records, other)).rejects.toMatchObject({ code: 'seal-broken' })
})
