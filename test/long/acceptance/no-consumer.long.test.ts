import { expect, test } from '@jest/globals'
import { makeNebari } from '../../kit/acceptance/nebari.ts'
import type { Report } from '../../kit/acceptance/nebari.ts'

test('`backup` with workers elsewhere and nobody there fails after a minute with what to do; with workers here it is gone on with', async () => {
  const nebari = await makeNebari({
    users: 4,
    change(settings) {
      settings.workers = 'functions'
    },
  })
  const startedMs = performance.now()
  expect(await nebari.toriki(['backup'])).toMatchObject({
    status: 1,
    out: '',
    err: expect.stringMatching(/no-consumer.*Nobody took a message from the queue\.[\s\S]*→ Start `toriki work`/),
  })
  expect(performance.now() - startedMs).toBeLessThan(75_000)
  nebari.configure((settings) => {
    settings.workers = 'here'
  })
  expect(await nebari.json<Report>('backup')).toMatchObject({ outcome: 'complete', slices: { saved: 7 } })
})
