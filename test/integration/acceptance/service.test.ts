import { randomFillSync } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { TorikiError } from '../../../lib/errors.ts'
import { embeddedHost } from '../../../lib/embedded/worker-host.ts'
import { keepAlarms } from '../../kit/acceptance/alarms.ts'
import { makeNebari, sumOfOutcomes } from '../../kit/acceptance/nebari.ts'
import type { Nebari, Report } from '../../kit/acceptance/nebari.ts'
import { withQueues } from '../../kit/acceptance/queues.ts'
import { storeObjects, writtenSince } from '../../kit/acceptance/store-objects.ts'
import { startToriki } from '../../kit/acceptance/toriki-process.ts'
import { waitUntil } from '../../kit/servers/wait-until.ts'

const USERS = 12
const SLICES = USERS + 3
const TIMEOUT_MS = 120_000

const nebariOf = (change: Record<string, unknown> = {}): Promise<Nebari> =>
  makeNebari({
    users: USERS,
    change: (settings) => {
      Object.assign(settings, change)
    },
  })

/** A run that takes its time: half a megabyte a home, at two a second. */
async function slowly(): Promise<Nebari> {
  const nebari = await nebariOf({ limits: { attempts: 5, parallel: 2, bytesPerSecond: { files: '1MiB' } } })
  for (const user of nebari.users)
    writeFileSync(join(nebari.home(user), 'large.bin'), randomFillSync(Buffer.alloc(400_000)))
  return nebari
}

const ended = (nebari: Nebari, run?: string): Promise<Report> =>
  waitUntil(
    'the run ends',
    async () => {
      const report = await nebari.json<Report>('status', ...(run === undefined ? [] : [run]))
      return report.open ? undefined : report
    },
    { timeoutMs: TIMEOUT_MS },
  )

/** Something is saved, and something is still to do. */
const underWay = (nebari: Nebari): Promise<Report> =>
  waitUntil(
    'the run is under way',
    async () => {
      const report = await nebari.json<Report>('status')
      return report.open && report.slices.saved > 0 && report.slices.pending > 3 ? report : undefined
    },
    { timeoutMs: TIMEOUT_MS, everyMs: 50 },
  )

describe('workers elsewhere', () => {
  test('`backup --detach` gives the run, `work` does it, `status` shows how it goes, and a stopped worker ends well', async () => {
    const nebari = await nebariOf()
    const detached = await nebari.toriki(['--json', 'backup', '--detach'])
    expect(detached.status).toBe(0)
    const { run } = detached.json<{ run: string }>()
    expect(await nebari.json<Report>('status')).toMatchObject({
      run,
      open: true,
      slices: { total: SLICES, pending: SLICES },
    })
    const worker = startToriki(nebari.settings, ['work'])
    expect(await ended(nebari, run)).toMatchObject({ outcome: 'complete', slices: { saved: SLICES, pending: 0 } })
    worker.kill('SIGTERM')
    expect(await worker.ended).toBe(0)
    expect(worker.out()).toContain('Stopped. Nothing is lost.')
  })

  test('`backup` watches them to the end; a second full run meanwhile is refused with what to do', async () => {
    const nebari = await nebariOf({ workers: 'functions' })
    const watching = startToriki(nebari.settings, ['--json', 'backup'])
    const { run } = await waitUntil('the run is open', async () => (await nebari.json<Report[]>('runs'))[0], {
      timeoutMs: TIMEOUT_MS,
    })
    expect(await nebari.toriki(['backup'])).toMatchObject({
      status: 1,
      out: '',
      err: expect.stringMatching(
        /run-open.*A full run is still open\.[\s\S]*→ Wait for it, or end it with `toriki cancel`/,
      ),
    })
    const worker = startToriki(nebari.settings, ['work'])
    expect(await watching.ended).toBe(0)
    expect(JSON.parse(watching.out())).toMatchObject({ run, outcome: 'complete', slices: { saved: SLICES } })
    worker.kill('SIGINT')
    expect(await worker.ended).toBe(0)
  })

  test('Ctrl-C on a `backup` that only watches detaches: the run goes on without it', async () => {
    const nebari = await nebariOf({ workers: 'functions' })
    const watching = startToriki(nebari.settings, ['backup'])
    const { run } = await waitUntil('the run is open', async () => (await nebari.json<Report[]>('runs'))[0], {
      timeoutMs: TIMEOUT_MS,
    })
    watching.kill('SIGINT')
    expect(await watching.ended).toBe(0)
    expect(watching.err()).toContain(`Run ${run} goes on elsewhere: toriki status ${run}`)
    const worker = startToriki(nebari.settings, ['work'])
    expect(await ended(nebari, run)).toMatchObject({ outcome: 'complete', slices: { saved: SLICES } })
    worker.kill('SIGTERM')
    expect(await worker.ended).toBe(0)
  })
})

describe('stopping', () => {
  test.each(['SIGINT', 'SIGTERM'] as const)(
    '%s in the middle ends `backup` with 130 and how to go on; the next one goes on with the same run and does nothing twice',
    async (signal) => {
      const nebari = await slowly()
      const toriki = startToriki(nebari.settings, ['backup'])
      const { run } = await underWay(nebari)
      toriki.kill(signal)
      expect(await toriki.ended).toBe(130)
      expect(toriki.err()).toContain('Go on with: toriki backup')
      const between = await nebari.json<Report>('status')
      expect(between).toMatchObject({ run, open: true })
      expect(sumOfOutcomes(between)).toBe(SLICES)
      nebari.configure((settings) => {
        settings.limits = { attempts: 5 }
      })
      const goneOn = await nebari.toriki(['--json', 'backup'])
      expect(goneOn.err).toContain(`Run ${run} is still open: going on with it.`)
      expect(goneOn.json<Report>()).toMatchObject({
        run,
        outcome: 'complete',
        slices: { total: SLICES, saved: SLICES },
      })
      expect([...storeObjects(nebari.store).keys()].filter((key) => key.includes('/snapshots/'))).toHaveLength(SLICES)
    },
  )

  test('`cancel` ends a run under way: what is saved stays, nothing more is begun, and the next run is a new one', async () => {
    const nebari = await slowly()
    const alarms = keepAlarms(nebari)
    const toriki = startToriki(nebari.settings, ['--json', 'backup'])
    const { run } = await underWay(nebari)
    expect((await nebari.toriki(['cancel', run])).status).toBe(0)
    expect(await toriki.ended).toBe(1)
    const report = await nebari.json<Report>('status', run)
    expect(report).toMatchObject({ open: false, outcome: 'cancelled', slices: { failed: 0, pending: 0 } })
    expect(report.slices.saved).toBeGreaterThan(0)
    expect(report.slices.skipped).toBeGreaterThan(0)
    expect(sumOfOutcomes(report)).toBe(SLICES)
    expect(alarms().filter(({ alarm }) => alarm !== 'run-ended')).toEqual([])
    expect((await nebari.toriki(['replay', run])).err).toContain('run-cancelled')
    nebari.configure((settings) => {
      settings.limits = { attempts: 5 }
    })
    const next = await nebari.json<Report>('backup')
    expect(next).toMatchObject({ outcome: 'complete', slices: { saved: SLICES } })
    expect(next.run).not.toBe(run)
  })

  test('`cancel` of a run nobody began on: its messages are dropped as they come', async () => {
    const nebari = await nebariOf()
    const { run } = await nebari.json<{ run: string }>('backup', '--detach')
    expect((await nebari.toriki(['cancel', run])).status).toBe(0)
    const before = storeObjects(nebari.store)
    const worker = startToriki(nebari.settings, ['work'], { leaseMs: 2_000 })
    await waitUntil(
      'the queue is empty',
      async () => {
        const { visible, hidden } = await withQueues(nebari, (queues) => queues.queue('backup-slice').depth())
        return visible + hidden === 0 || undefined
      },
      { timeoutMs: TIMEOUT_MS },
    )
    worker.kill('SIGTERM')
    expect(await worker.ended).toBe(0)
    expect(writtenSince(before, storeObjects(nebari.store))).toEqual({})
    expect(await nebari.json<Report>('status', run)).toMatchObject({
      outcome: 'cancelled',
      slices: { skipped: SLICES },
    })
  })
})

describe('serve', () => {
  const schedule = { cron: '0 2 * * *', timezone: 'Europe/Berlin' }

  test('says when the next run is, works on what comes meanwhile, and stops well', async () => {
    const nebari = await nebariOf({ schedule })
    const serving = startToriki(nebari.settings, ['serve'])
    await serving.says('next run 20')
    const { run } = await nebari.json<{ run: string }>('backup', '--detach')
    expect(await ended(nebari, run)).toMatchObject({ outcome: 'complete', slices: { saved: SLICES } })
    serving.kill('SIGTERM')
    expect(await serving.ended).toBe(0)
    expect(serving.err()).toContain('Stopped. Nothing is lost.')
  })

  test('begins a run when the time comes, ends it, and begins the next', async () => {
    const nebari = await nebariOf({ schedule })
    const host = embeddedHost()
    const stop = new AbortController()
    // A cron of six fields has seconds: what the settings do not take, since nobody backs up every three seconds.
    const serving = nebari.toriki(['serve'], {
      signal: stop.signal,
      host: {
        ...host,
        serve: (service, settings, events, signal) =>
          host.serve(service, { ...settings, schedule: { cron: '*/3 * * * * *', timezone: 'UTC' } }, events, signal),
      },
    })
    const reports = await waitUntil(
      'two scheduled runs are complete',
      async () => {
        const runs = (await nebari.json<Report[]>('runs')).filter(({ open }) => !open)
        return runs.length >= 2 ? runs : undefined
      },
      { timeoutMs: TIMEOUT_MS },
    )
    for (const report of reports) expect(report).toMatchObject({ outcome: 'complete', slices: { saved: SLICES } })
    stop.abort(new TorikiError('interrupted'))
    const { status, err } = await serving
    expect(status).toBe(0)
    expect(err).toMatch(/run \S+-full-\S+ began/)
  })

  test('without a schedule in the settings is refused with what to add', async () => {
    const nebari = await nebariOf()
    expect(await nebari.toriki(['serve'])).toMatchObject({
      status: 2,
      err: expect.stringMatching(/has no `schedule`\.[\s\S]*→ Add for example schedule: \{ cron: "0 2 \* \* \*"/),
    })
  })
})
