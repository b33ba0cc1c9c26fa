import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, expect, test } from '@jest/globals'
import { stringify } from 'yaml'
import type { WorkerFunction, Workers } from '../../../lib/cli/context.ts'
import { embeddedHost } from '../../../lib/embedded/worker-host.ts'
import { TorikiError } from '../../../lib/errors.ts'
import { toriki } from '../../kit/command-line.ts'
import type { CommandResult } from '../../kit/command-line.ts'
import { waitUntil } from '../../kit/servers/wait-until.ts'
import { temporaryFolder } from '../../kit/temporary-folder.ts'

let folder: string
let settings: string
let stop: AbortController

beforeEach(async () => {
  folder = await temporaryFolder()
  settings = join(folder, 'toriki.yaml')
  stop = new AbortController()
  mkdirSync(join(folder, 'nebari/home/ann'), { recursive: true })
  writeFileSync(
    settings,
    stringify({
      deployment: 'test',
      components: { files: { root: join(folder, 'nebari'), home: 'home/{user}' } },
    }),
  )
  expect((await toriki(settings, ['init'])).status).toBe(0)
})

/** `work` with workers that only remember what they were asked; `refuse` is their queue's last word. */
function working(...words: readonly string[]): {
  readonly ended: Promise<CommandResult>
  readonly asked: (readonly WorkerFunction[] | undefined)[]
  readonly refuse: (error: Error) => void
  stops: number
} {
  const asked: (readonly WorkerFunction[] | undefined)[] = []
  let refuse: (error: Error) => void = () => undefined
  const refused = new Promise<void>((_resolve, reject) => (refuse = reject))
  const state = { stops: 0 }
  const workers: Workers = {
    ended: refused,
    stop: async () => void state.stops++,
  }
  const host = {
    ...embeddedHost(),
    async startWorkers(_service: unknown, kinds?: readonly WorkerFunction[]) {
      asked.push(kinds)
      return workers
    },
  }
  const ended = toriki(settings, ['work', ...words], { host, signal: stop.signal })
  return Object.assign(state, { ended, asked, refuse: (error: Error) => refuse(error) })
}

const interrupt = (): void => stop.abort(new TorikiError('interrupted', { message: 'Stopped. Nothing is lost.' }))

test('`work` does the work of every function, or of those that are named', async () => {
  const all = working()
  const some = working('--only', 'backup-slice', '--only', 'dead-letter')
  await waitUntil('both work', async () => all.asked.length + some.asked.length === 2 || undefined, {
    timeoutMs: 20_000,
    everyMs: 20,
  })
  interrupt()
  expect(await all.ended).toMatchObject({ status: 0, out: 'Stopped. Nothing is lost.\n' })
  expect(await some.ended).toMatchObject({
    status: 0,
    err: expect.stringContaining('Working on the queues of test (backup-slice, dead-letter).'),
  })
  expect([...all.asked, ...some.asked]).toEqual([undefined, ['backup-slice', 'dead-letter']])
  expect([all.stops, some.stops]).toEqual([1, 1])
})

test('`work` as a function that there is not is refused with those there are', async () => {
  expect(await toriki(settings, ['work', '--only', 'everything'])).toMatchObject({
    status: 2,
    err: expect.stringContaining('It must be one of backup-slice, settle-run, replay-run,'),
  })
})

test('the file of `--alive` is there while the worker works, and gone when it stopped', async () => {
  const file = join(folder, 'alive')
  const one = working('--alive', file)
  await waitUntil('the file is there', async () => existsSync(file) || undefined, { timeoutMs: 20_000, everyMs: 20 })
  interrupt()
  expect(await one.ended).toMatchObject({ status: 0 })
  expect(existsSync(file)).toBe(false)
})

test('a file of `--alive` that cannot be written ends the worker with an error, after its workers stopped', async () => {
  const one = working('--alive', join(folder, 'nowhere/alive'))
  expect(await one.ended).toMatchObject({ status: 1, err: expect.stringContaining('internal') })
  expect(one.stops).toBe(1)
})

test('a queue that refuses for good ends the worker with its error: whoever started it is told', async () => {
  const one = working()
  await waitUntil('it works', async () => one.asked.length === 1 || undefined, { timeoutMs: 20_000, everyMs: 20 })
  one.refuse(new TorikiError('queue-refused'))
  expect(await one.ended).toMatchObject({ status: 1, err: expect.stringContaining('queue-refused') })
  expect(one.stops).toBe(1)
})
