import { randomFillSync } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { makeNebari } from '../../kit/acceptance/nebari.ts'
import type { Nebari, Report } from '../../kit/acceptance/nebari.ts'
import { takeSliceMessages, withQueues } from '../../kit/acceptance/queues.ts'
import { storeObjects } from '../../kit/acceptance/store-objects.ts'
import { startToriki } from '../../kit/acceptance/toriki-process.ts'
import { waitUntil } from '../../kit/servers/wait-until.ts'

const TIMEOUT_MS = 120_000

/** A run is begun, its messages are sent twice side by side, and two `toriki work` processes take them. */
async function workTwice(nebari: Nebari, whileWorking: () => Promise<void>): Promise<Report> {
  const { run } = await nebari.json<{ run: string }>('backup', '--detach')
  await withQueues(nebari, async (queues) => {
    const bodies = await takeSliceMessages(queues)
    await queues.queue('backup-slice').send(bodies.flatMap((body) => [{ body }, { body }]))
  })
  const workers = [1, 2].map(() => startToriki(nebari.settings, ['work'], { leaseMs: 5_000 }))
  await whileWorking()
  const report = await waitUntil(
    'the run ends and both copies of every message are done',
    async () => {
      const status = await nebari.json<Report>('status', run)
      const { visible, hidden } = await withQueues(nebari, (queues) => queues.queue('backup-slice').depth())
      return status.open || visible + hidden > 0 ? undefined : status
    },
    { timeoutMs: TIMEOUT_MS, everyMs: 300 },
  )
  for (const worker of workers) worker.kill('SIGTERM')
  expect(await Promise.all(workers.map(({ ended }) => ended))).toEqual([0, 0])
  return report
}

function under(nebari: Nebari, place: string): readonly string[] {
  return [...storeObjects(nebari.store).keys()].filter((key) => key.includes(place))
}

test('every message delivered twice, to two workers at once: one snapshot per slice, the run complete', async () => {
  const nebari = await makeNebari({ users: 30 })
  const slices = 30 + 3
  const report = await workTwice(nebari, async () => undefined)
  expect(report).toMatchObject({ outcome: 'complete', slices: { total: slices, saved: slices }, failures: [] })
  expect(under(nebari, '/snapshots/')).toHaveLength(slices)
})

test('one slow slice in the hands of two workers at the same time: one snapshot, the run complete', async () => {
  const nebari = await makeNebari({
    users: 0,
    homes(root) {
      writeHome(join(root, 'home/ann'))
      return ['ann']
    },
    change(settings) {
      settings.limits = { ...settings.limits, parallel: 1, bytesPerSecond: { files: '4MiB' } }
    },
  })
  const report = await workTwice(nebari, async () => {
    await waitUntil(
      'both workers have the message',
      async () =>
        (await withQueues(nebari, (queues) => queues.queue('backup-slice').depth())).hidden === 2 || undefined,
      { timeoutMs: TIMEOUT_MS, everyMs: 20 },
    )
  })
  expect(report).toMatchObject({ outcome: 'complete', slices: { total: 1, saved: 1 } })
  expect(under(nebari, '/snapshots/')).toHaveLength(1)
  expect((await nebari.toriki(['export', '--user', 'ann', '--out', join(nebari.folder, 'out')])).status).toBe(0)
})

function writeHome(path: string): void {
  mkdirSync(path, { recursive: true })
  for (let file = 0; file < 5; file++) writeFileSync(join(path, `${file}.bin`), randomFillSync(Buffer.alloc(3_000_000)))
}
