import { expect, test } from '@jest/globals'
import { makeNebari } from '../../kit/acceptance/nebari.ts'
import type { Report } from '../../kit/acceptance/nebari.ts'
import { startToriki } from '../../kit/acceptance/toriki-process.ts'
import { runUnderWay, untilRunEnds } from '../../kit/acceptance/workers-elsewhere.ts'

test('one whose reading fills the memory of `toriki work`, again and again: given up after five tries, and nobody who was in work beside is', async () => {
  const nebari = await makeNebari({
    users: 12,
    change(settings) {
      settings.workers = 'functions'
      settings.limits = { ...settings.limits, parallel: 8 }
    },
  })
  const run = await runUnderWay(nebari)
  const ended = new AbortController()
  // What keeps the worker alive in a cluster, or systemd elsewhere.
  const environment = { OUT_OF_MEMORY: 'kofi', NODE_OPTIONS: '--max-old-space-size=128' }
  const crashes = (async () => {
    for (let count = 0; ; count++) {
      const worker = startToriki(nebari.settings, ['work'], { leaseMs: 1_500, environment })
      const stop = (): void => worker.kill('SIGKILL')
      ended.signal.addEventListener('abort', stop)
      await worker.ended
      if (ended.signal.aborted) return count
    }
  })()
  await untilRunEnds(nebari, run, AbortSignal.timeout(300_000))
  ended.abort()
  expect(await crashes).toBe(5)
  const report = await nebari.json<Report>('status', run)
  expect(report.failures).toMatchObject([{ slice: 'user/kofi', code: 'ended-without-report', attempts: 5 }])
  expect(report).toMatchObject({ outcome: 'partial', slices: { total: 15, saved: 14, failed: 1 } })
})
