import { expect, test } from '@jest/globals'
import { keepAlarms } from '../../kit/acceptance/alarms.ts'
import { makeNebari } from '../../kit/acceptance/nebari.ts'
import type { Report } from '../../kit/acceptance/nebari.ts'
import { withQueues, workUntilDrained } from '../../kit/acceptance/queues.ts'
import { withStored } from '../../kit/acceptance/stored-snapshots.ts'

test('messages of an unknown version, unreadable ones, and ones that name no run are kept and told with reason and remedy; everybody else is backed up as ever', async () => {
  const nebari = await makeNebari({ users: 4 })
  const alarms = keepAlarms(nebari)
  const slices = 4 + 3
  const first = await nebari.json<Report>('backup')
  expect(first.outcome).toBe('complete')
  const known = { v: 1, kind: 'backup-slice', run: first.run, slice: 'user/ann' }
  const bad: readonly [code: string, body: string][] = [
    ['message-unknown', JSON.stringify({ ...known, v: 2 })],
    ['message-unknown', JSON.stringify({ ...known, kind: 'erase-slice' })],
    ['message-unknown', JSON.stringify({ v: 1, kind: 'settle-run', run: first.run, tick: 1 })],
    ['message-invalid', 'no JSON at all'],
    ['message-invalid', '[]'],
    ['message-invalid', JSON.stringify({ ...known, slice: 'user/../../etc' })],
    ['message-invalid', JSON.stringify({ ...known, components: ['jupiter'] })],
    ['run-not-found', JSON.stringify({ ...known, run: '20200101T000000000Z-full-0000000000' })],
  ]
  await withQueues(nebari, (queues) => queues.queue('backup-slice').send(bad.map(([, body]) => ({ body }))))

  const second = await nebari.toriki(['--json', 'backup'])
  expect(second.status).toBe(0)
  expect(second.json<Report>()).toMatchObject({ outcome: 'complete', slices: { total: slices, saved: slices } })

  // The backup ends with its last slice; who was given up at that moment is told by whoever works next.
  await workUntilDrained(nebari)
  const kept = await withStored(nebari.settings, async ({ records }) => {
    const found: string[] = []
    for await (const { path } of records.list('runs/unreadable/')) {
      const { code, body } = (await records.read(path)) as { readonly code: string; readonly body: string }
      found.push(`${code} ${body}`)
    }
    return found
  })
  // A tick in another kind's queue is a good message in the wrong place: dead-letter, which reads every kind, lets it do its work.
  const lost = bad.filter(([, body]) => !body.includes('settle-run'))
  expect(kept.sort()).toEqual(lost.map(([code, body]) => `${code} ${body}`).sort())

  const told = alarms().filter(({ alarm }) => alarm === 'dead-letter')
  expect(told.flatMap(({ failures = [] }) => failures.map(({ code }) => code)).sort()).toEqual(
    lost.map(([code]) => code).sort(),
  )
  for (const { message, failures = [] } of told) {
    expect(message).toMatch(/^(A|There) .*\.$/)
    for (const { remedy } of failures) expect(remedy).toMatch(/^[A-Z].*\.$/)
  }
  expect(await nebari.json<Report>('status', first.run)).toMatchObject({
    outcome: 'complete',
    slices: { total: slices },
  })
})

test('a message by hand for somebody nobody knows, and one more for who is saved already, change nothing of a run', async () => {
  const nebari = await makeNebari({ users: 4 })
  const { run, slices } = await nebari.json<Report>('backup')
  const message = { v: 1, kind: 'backup-slice', run }
  await withQueues(nebari, (queues) =>
    queues
      .queue('backup-slice')
      .send([
        { body: JSON.stringify({ ...message, slice: 'user/nobody' }) },
        { body: JSON.stringify({ ...message, slice: 'user/ann' }) },
        { body: JSON.stringify({ ...message, slice: 'shared' }) },
      ]),
  )
  expect((await nebari.toriki(['backup', '--user', 'ben'])).status).toBe(0)
  expect(await nebari.json<Report>('status', run)).toMatchObject({ outcome: 'complete', slices, failures: [] })
  expect(await nebari.json('snapshots', '--user', 'ann')).toHaveLength(1)
  expect(await nebari.json('snapshots', '--user', 'nobody')).toEqual([])
})
