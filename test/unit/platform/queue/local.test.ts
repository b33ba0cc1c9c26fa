import { spawn } from 'node:child_process'
import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { beforeEach, describe, expect, test } from '@jest/globals'
import { openLocalQueues } from '../../../../lib/platform/queue/local.ts'
import type { Queues } from '../../../../lib/platform/queue/port.ts'
import { systemRandom } from '../../../../lib/platform/random.ts'
import { FakeClock } from '../../../kit/fake-clock.ts'
import { temporaryFolder } from '../../../kit/temporary-folder.ts'

describe('the local queues', () => {
  let folder: string
  beforeEach(async () => {
    folder = join(await temporaryFolder(), 'toriki-queue')
  })
  const open = (clock = new FakeClock()): Queues =>
    openLocalQueues({ folder, clock, random: systemRandom, receivesMax: 2 })
  const file = (): string => join(folder, 'queue.sqlite')
  const made = async (): Promise<void> => open().close()

  test('lie in one file, for its owner only; after a close nothing else is there', async () => {
    const queues = open()
    await queues.queue('backup-slice').send([{ body: 'x' }])
    for (const name of await readdir(folder))
      expect(((await stat(join(folder, name))).mode & 0o077).toString(8)).toBe('0')
    expect((await stat(folder)).mode & 0o777).toBe(0o700)
    await queues.close()
    expect(await readdir(folder)).toEqual(['queue.sqlite'])
    await queues.close()
  })

  test('while open, changes stand in a log that other processes can read beside', async () => {
    const queues = open()
    await queues.queue('backup-slice').send([{ body: 'x' }])
    expect(await readdir(folder)).toContain('queue.sqlite-wal')
    await queues.close()
  })

  test('a file that is no database is refused with a remedy, and left as it is', async () => {
    await made()
    await writeFile(file(), 'this is not a database, but it is long enough to look at '.repeat(20))
    const before = await readFile(file())
    expect(open).toThrow(
      expect.objectContaining({
        code: 'queue-refused',
        retry: 'never',
        remedy: expect.stringContaining('Move the file away'),
      }),
    )
    expect(await readFile(file())).toEqual(before)
  })

  test("somebody else's database is refused, and left as it is", async () => {
    await made()
    await writeFile(file(), '')
    const foreign = new DatabaseSync(file())
    foreign.exec('CREATE TABLE message (x)')
    foreign.close()
    const before = await readFile(file())
    expect(open).toThrow(
      expect.objectContaining({ code: 'queue-refused', message: expect.stringContaining('something else') }),
    )
    expect(await readFile(file())).toEqual(before)
  })

  test('a queue of a newer version is refused', async () => {
    await made()
    const newer = new DatabaseSync(file())
    newer.exec('PRAGMA user_version = 2')
    newer.close()
    expect(open).toThrow(expect.objectContaining({ code: 'queue-refused', message: expect.stringContaining('newer') }))
  })

  test('a file damaged inside is refused when the damage is met', async () => {
    const queues = open()
    await queues.queue('backup-slice').send(Array.from({ length: 500 }, () => ({ body: 'x'.repeat(1000) })))
    await queues.close()
    const bytes = await readFile(file())
    bytes.fill(0xa5, 4096)
    await writeFile(file(), bytes)
    const again = open()
    await expect(again.queue('backup-slice').receive({ max: 10, waitMs: 0, visibilityMs: 1000 })).rejects.toMatchObject(
      { code: 'queue-refused', remedy: expect.stringContaining('Move the file away') },
    )
  })

  test('a folder that cannot be made is refused with a remedy', async () => {
    await writeFile(folder, '')
    expect(open).toThrow(
      expect.objectContaining({ code: 'queue-refused', remedy: expect.stringContaining('queue.sqlite') }),
    )
  })

  test('a send that fails half-way puts nothing in', async () => {
    const queues = open()
    const broken = Array.from({ length: 3 }, (_, number) => ({ body: `message ${number}` }))
    Object.defineProperty(broken[2], 'body', {
      get: once('fine', () => {
        throw new Error('half-way')
      }),
    })
    await expect(queues.queue('backup-slice').send(broken)).rejects.toThrow()
    expect(await queues.queue('backup-slice').depth()).toEqual({ visible: 0, hidden: 0, delayed: 0 })
    await queues.queue('backup-slice').send([{ body: 'works still' }])
    await queues.close()
  })

  test('a file that another process holds for long is queue-unavailable, and usable again when it lets go', async () => {
    const queues = open()
    const holder = spawn(
      process.execPath,
      [
        '--no-warnings',
        '-e',
        `
      const db = new (require('node:sqlite').DatabaseSync)(${JSON.stringify(file())})
      db.exec('BEGIN IMMEDIATE')
      console.log('held')
      process.stdin.once('data', () => { db.exec('COMMIT'); process.exit(0) })
    `,
      ],
      { stdio: ['pipe', 'pipe', 'inherit'] },
    )
    await new Promise((resolve) => holder.stdout.once('data', resolve))
    await expect(queues.queue('backup-slice').send([{ body: 'x' }])).rejects.toMatchObject({
      code: 'queue-unavailable',
      retry: 'now',
    })
    const ended = new Promise((resolve) => holder.once('exit', resolve))
    holder.stdin.write('go\n')
    await ended
    await queues.queue('backup-slice').send([{ body: 'x' }])
    await queues.close()
  })

  test('closing ends the receives that wait, with none', async () => {
    const clock = new FakeClock()
    const queues = open(clock)
    const waiting = queues.queue('backup-slice').receive({ max: 1, waitMs: 20_000, visibilityMs: 1000 })
    await clock.untilSleeping()
    await queues.close()
    expect(await waiting).toEqual([])
    expect(await queues.queue('backup-slice').receive({ max: 1, waitMs: 0, visibilityMs: 1000 })).toEqual([])
  })

  test('waiting looks ever more seldom, down to five times a second', async () => {
    const clock = new FakeClock({ auto: true })
    const pauses: number[] = []
    const sleep = clock.sleep.bind(clock)
    clock.sleep = (ms, signal) => {
      pauses.push(ms)
      return sleep(ms, signal)
    }
    const queues = open(clock)
    expect(await queues.queue('backup-slice').receive({ max: 1, waitMs: 10_000, visibilityMs: 1000 })).toEqual([])
    expect(pauses.slice(0, 7)).toEqual([10, 20, 40, 80, 160, 200, 200])
    expect(pauses.length).toBeLessThan(60)
    await queues.close()
  })
})

function once<T>(first: T, then: () => T): () => T {
  let calls = 0
  return () => (calls++ === 0 ? first : then())
}
