/**
 * Every function from its zip, in a fresh Node 24, with the events that it gets: the Scheduler's, a console's, a batch of ten, what was given up, what nobody knows. The
 * drivers are those of one machine, by settings; the code is the very code that AWS gets.
 */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { architectures } from '../../infra/native-binaries.ts'
import { packageFunctions } from '../../infra/package-functions.ts'
import type { PackagedFunctions } from '../../infra/package-functions.ts'
import { withQueuedRestore } from '../../lib/assemble-queued-restore.ts'
import type { Check } from '../../lib/components/component.ts'
import { loadSettings } from '../../lib/load-settings.ts'
import { silentLog } from '../../lib/log.ts'
import type { QueueName, Queues, ReceivedMessage } from '../../lib/platform/queue/port.ts'
import { beginPlan } from '../../lib/restore/plan-restore.ts'
import { restoreReport } from '../../lib/restore/restore-report.ts'
import { sendApply, sendPlan } from '../../lib/restore/send-restore.ts'
import { makeNebariWithKeycloak } from '../kit/acceptance/nebari.ts'
import type { NebariWithKeycloak, Report } from '../kit/acceptance/nebari.ts'
import { withQueues } from '../kit/acceptance/queues.ts'
import { zippedFunction } from '../kit/zipped-function.ts'
import type { Invoked, ZippedFunction } from '../kit/zipped-function.ts'

const run = promisify(execFile)
const root = resolve(import.meta.dirname, '../..')
const example = join(root, 'infra/examples/toriki.yaml')

interface Batch {
  readonly batchItemFailures: readonly { readonly itemIdentifier: string }[]
}
interface Started {
  readonly run: string
  readonly slices: number
}

let folder: string
let packaged: PackagedFunctions
let nebari: NebariWithKeycloak
const functions = new Map<string, ZippedFunction>()
const importMs = new Map<string, number>()

beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'toriki-zips-')))
  packaged = await packageFunctions(join(folder, 'zips'), { packaged: { 'toriki.yaml': example }, fetch: true })
  for (const [name, zip] of packaged.zips) functions.set(name, await zippedFunction(name, zip, join(folder, name)))
  nebari = await makeNebariWithKeycloak({
    users: 9,
    change(settings) {
      settings.workers = 'functions'
    },
  })
})

afterAll(async () => {
  if (importMs.size === functions.size) await writeStarts()
  await rm(folder, { recursive: true, force: true })
})

/** For the table of docs/benchmarks.md. */
async function writeStarts(): Promise<void> {
  await mkdir(join(root, 'dist'), { recursive: true })
  const sizes = await Promise.all(
    [...packaged.zips].map(
      async ([name, zip]) =>
        [name, { zipBytes: (await stat(zip)).size, importMs: Math.round(importMs.get(name) ?? 0) }] as const,
    ),
  )
  await writeFile(join(root, 'dist/function-starts.json'), `${JSON.stringify(Object.fromEntries(sizes), null, 2)}\n`)
}

async function invoke<T>(name: string, event: unknown, settings = nebari.settings): Promise<Invoked<T>> {
  const invoked = await functions.get(name)!.invoke<T>(event, settings)
  importMs.set(name, Math.min(invoked.importMs, importMs.get(name) ?? Infinity))
  return invoked
}

/** The event that SQS makes of messages. */
function eventOf(
  name: QueueName,
  messages: readonly Pick<ReceivedMessage, 'id' | 'receipt' | 'body' | 'receiveCount'>[],
): unknown {
  return {
    Records: messages.map(({ id, receipt, body, receiveCount }) => ({
      messageId: id,
      receiptHandle: receipt,
      body,
      attributes: {
        ApproximateReceiveCount: String(receiveCount),
        SentTimestamp: '1767225600000',
        SenderId: 'x',
        ApproximateFirstReceiveTimestamp: '1767225600000',
      },
      messageAttributes: {},
      md5OfBody: '',
      eventSource: 'aws:sqs',
      eventSourceARN: `arn:aws:sqs:eu-central-1:111122223333:toriki-campus-${name}`,
      awsRegion: 'eu-central-1',
    })),
  }
}
const byHand = (body: unknown, id = 'm1') => ({ id, receipt: '', body: JSON.stringify(body), receiveCount: 1 })

async function take(queues: Queues, name: QueueName, dead = false): Promise<readonly ReceivedMessage[]> {
  const queue = dead ? queues.deadLetter(name) : queues.queue(name)
  return await queue.receive({ max: 10, waitMs: 0, visibilityMs: 600_000 })
}

describe('the zips', () => {
  test('hold the bundle, koffi for both processors, the settings, and nothing else', () => {
    // Where npm could not be asked, the one of this machine is there all the same.
    const missing = new Set(packaged.withoutNative)
    expect(missing.has(process.arch as (typeof architectures)[number])).toBe(false)
    for (const { name, files } of functions.values()) {
      const others = files.filter((file) => !file.startsWith('node_modules/koffi/'))
      const binaries = architectures
        .filter((one) => !missing.has(one))
        .flatMap((one) => [`node_modules/@koromix/koffi-linux-${one}/linux_${one}/koffi.node`])
      expect(others.filter((file) => file.endsWith('.node'))).toEqual(binaries)
      // `chunk-thread.mjs`: the program of the threads that it starts.
      const own = others.filter((file) => file !== 'chunk-thread.mjs' && !file.startsWith('node_modules/@koromix/'))
      expect(own).toEqual([
        `${name}.mjs`,
        // Whose code is in it, where that is not ours alone.
        ...others.filter((file) => file === `${name}.mjs.LEGAL.txt`),
        'toriki.yaml',
      ])
    }
  })

  test('load koffi from beside the bundle', async () => {
    for (const { folder: at } of functions.values()) {
      const program = "import koffi from 'koffi'; process.stdout.write(typeof koffi.load)"
      const loaded = await run(process.execPath, ['--input-type=module', '-e', program], { cwd: at, env: {} })
      expect(loaded).toEqual({ stdout: 'function', stderr: '' })
    }
  })

  test('name no folder of the machine that made them', async () => {
    for (const { name, folder: at } of functions.values())
      expect(await readFile(join(at, `${name}.mjs`), 'utf8')).not.toContain(root)
  })
})

describe('a night', () => {
  let run: string
  let poisoned: string
  let failing: ReceivedMessage

  test('schedule: the Scheduler’s event opens a run', async () => {
    const event = {
      version: '0',
      id: '0',
      'detail-type': 'Scheduled Event',
      source: 'aws.scheduler',
      account: '111122223333',
      time: '2026-11-24T02:00:00Z',
      region: 'eu-central-1',
      resources: ['arn:aws:scheduler:eu-central-1:111122223333:schedule/default/toriki-campus'],
      detail: '{}',
    }
    const { answer } = await invoke<Started>('schedule', event)
    expect(answer).toMatchObject({
      run: expect.stringMatching(/^20261124T020000000Z-full-/),
      policy: 'full',
      resumed: false,
    })
    run = answer!.run
    expect(answer!.slices).toBeGreaterThanOrEqual(10)
  })

  test('schedule: a console’s {} is refused while that run is open, by name', async () => {
    const { answer } = await invoke('schedule', {})
    expect(answer).toMatchObject({ refused: 'run-open', run, remedy: expect.any(String) })
  })

  test('schedule: a console’s sample event is an error that names the field', async () => {
    const { error } = await invoke('schedule', { key1: 'value1', key2: 'value2' })
    expect(error?.message).toContain('key1')
  })

  test('backup-slice: of a batch of ten the failing one comes back, and the others are saved', async () => {
    const messages = await withQueues(nebari, (queues) => take(queues, 'backup-slice'))
    expect(messages).toHaveLength(10)
    const users = messages.flatMap(({ body }) => /"slice":"user\/([^"]+)"/.exec(body)?.[1] ?? [])
    poisoned = users[0]!
    failing = messages.find(({ body }) => body.includes(`"user/${poisoned}"`))!
    nebari.keycloak.poison(poisoned)
    const { answer } = await invoke<Batch>('backup-slice', eventOf('backup-slice', messages))
    expect(answer).toEqual({ batchItemFailures: [{ itemIdentifier: failing.id }] })
    await withQueues(nebari, async (queues) => {
      for (const { id, receipt } of messages) if (id !== failing.id) await queues.queue('backup-slice').delete(receipt)
    })
    const { slices } = await nebari.json<Report>('status', run)
    expect(slices.saved).toBe(9)
  })

  test('backup-slice: an unknown version goes to the dead letters with its reason, and does not come back', async () => {
    const { answer, log } = await invoke<Batch>(
      'backup-slice',
      eventOf('backup-slice', [byHand({ v: 2, kind: 'backup-slice', run })]),
    )
    expect(answer).toEqual({ batchItemFailures: [] })
    expect(log).toContain('message-unknown')
    const dead = await withQueues(nebari, (queues) => take(queues, 'backup-slice', true))
    expect(dead.map(({ body }) => JSON.parse(body) as unknown)).toEqual([{ v: 2, kind: 'backup-slice', run }])
    const recorded = await invoke<Batch>('dead-letter', eventOf('backup-slice', dead))
    expect(recorded.answer).toEqual({ batchItemFailures: [] })
  })

  test('dead-letter: a redriven message ends its slice with the cause that was recorded', async () => {
    const { answer } = await invoke<Batch>('dead-letter', eventOf('backup-slice', [{ ...failing, receiveCount: 6 }]))
    expect(answer).toEqual({ batchItemFailures: [] })
    await withQueues(nebari, (queues) => queues.queue('backup-slice').delete(failing.receipt))
    const { failures } = await nebari.json<Report>('status', run)
    expect(failures).toEqual([
      expect.objectContaining({
        slice: `user/${poisoned}`,
        component: 'keycloak',
        code: expect.stringMatching(/^source-/),
      }),
    ])
  })

  test('settle-run: the tick is claimed, and what is left is worked on', async () => {
    const { answer } = await invoke<Batch>(
      'settle-run',
      eventOf('settle-run', [byHand({ v: 1, kind: 'settle-run', run, tick: 1 })]),
    )
    expect(answer).toEqual({ batchItemFailures: [] })
    for (;;) {
      const messages = await withQueues(nebari, (queues) => take(queues, 'backup-slice'))
      if (messages.length === 0) break
      expect((await invoke<Batch>('backup-slice', eventOf('backup-slice', messages))).answer).toEqual({
        batchItemFailures: [],
      })
    }
    await invoke<Batch>('settle-run', eventOf('settle-run', [byHand({ v: 1, kind: 'settle-run', run, tick: 2 }, 'm2')]))
    expect(await nebari.json<Report>('status', run)).toMatchObject({
      open: false,
      outcome: 'partial',
      slices: { partial: 1, failed: 0 },
    })
  })

  test('replay-run: by hand it sends the one that failed, in the same run, and then all are saved', async () => {
    nebari.keycloak.mend(poisoned)
    const { answer } = await invoke('replay-run', { run })
    expect(answer).toEqual({ run, replayed: [`user/${poisoned}`] })
    const messages = await withQueues(nebari, (queues) => take(queues, 'backup-slice'))
    expect(messages).toHaveLength(1)
    await invoke<Batch>('backup-slice', eventOf('backup-slice', messages))
    expect(await nebari.json<Report>('status', run)).toMatchObject({ open: false, outcome: 'complete' })
  })

  test('replay-run: a message of its queue is taken, and a field that nobody knows is refused', async () => {
    const message = byHand({ v: 1, kind: 'replay-run', run })
    expect((await invoke<Batch>('replay-run', eventOf('replay-run', [message]))).answer).toEqual({
      batchItemFailures: [],
    })
    expect((await invoke('replay-run', { rnu: run })).error?.message).toContain(
      'The input is not a request for a replay',
    )
  })

  test('plan-restore and restore-slice: a home that is gone comes back, and a crash is recorded by dead-letter', async () => {
    const [user, other] = nebari.users as [string, string]
    const slice = `user/${user}` as const
    const before = await readdir(nebari.home(user))
    await rm(nebari.home(user), { recursive: true })
    const asked = await loadSettings({ file: nebari.settings, resolve: 'platform' })
    const restore = await withQueuedRestore(asked, { log: silentLog }, async (service) => {
      const wish = { slices: [slice, `user/${other}` as const], components: ['files' as const] }
      const { restore: made } = await beginPlan(service, wish, 'zips')
      await sendPlan(service, made)
      return made
    })
    const planning = await withQueues(nebari, (queues) => take(queues, 'plan-restore'))
    expect(planning.map(({ body }) => JSON.parse(body) as unknown)).toContainEqual({
      v: 1,
      kind: 'plan-restore',
      restore,
      slice,
    })
    const planned = await invoke<Batch>('plan-restore', eventOf('plan-restore', planning))
    expect(planned.answer).toEqual({ batchItemFailures: [] })
    await withQueuedRestore(asked, { log: silentLog }, (service) => sendApply(service, restore))
    const messages = await withQueues(nebari, (queues) => take(queues, 'restore-slice'))
    const crashed = messages.filter(({ body }) => body.includes(other))
    const applied = await invoke<Batch>(
      'restore-slice',
      eventOf(
        'restore-slice',
        messages.filter((one) => !crashed.includes(one)),
      ),
    )
    expect(applied.answer).toEqual({ batchItemFailures: [] })
    expect(await readdir(nebari.home(user))).toEqual(before)
    const recorded = await invoke<Batch>('dead-letter', eventOf('restore-slice', crashed))
    expect(recorded.answer).toEqual({ batchItemFailures: [] })
    const report = await withQueuedRestore(asked, { log: silentLog }, (service) => restoreReport(service, restore))
    expect(report).toMatchObject({
      open: false,
      slices: { verified: 1, stopped: 1 },
      failures: [{ slice: `user/${other}`, code: 'ended-without-report', outcome: 'stopped' }],
    })
  })

  test('doctor: {} says of every connection that it is well', async () => {
    const { answer } = await invoke<readonly Check[]>('doctor', {})
    expect(answer!.length).toBeGreaterThan(5)
    expect(answer!.filter(({ check, ok }) => !ok && !check.startsWith('keycloak: export'))).toEqual([])
    expect((await invoke('doctor', { a: 1 })).error?.message).toContain('"a"')
  })

  test('doctor: with the settings of AWS in its package and nobody to ask, it says what does not answer', async () => {
    const { answer } = await invoke<readonly Check[]>(
      'doctor',
      {},
      join(functions.get('doctor')!.folder, 'toriki.yaml'),
    )
    expect(answer!.some(({ ok, remedy }) => !ok && remedy !== undefined)).toBe(true)
  })
})
