import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, test } from '@jest/globals'
import { systemClock } from '../../lib/platform/clock.ts'
import { LocalObjectStore } from '../../lib/platform/object-store/local.ts'
import { listAll } from '../../lib/platform/object-store/port.ts'
import { openLocalQueues } from '../../lib/platform/queue/local.ts'
import { systemRandom } from '../../lib/platform/random.ts'
import { temporaryFolder } from '../kit/temporary-folder.ts'

test.each([1, 30, 77])(
  'local store and queue: a process killed after %d writes leaves all it promised, and no half object',
  async (writes) => {
    const folder = await temporaryFolder()
    const child = spawn(
      process.execPath,
      ['--no-warnings', new URL('./processes/write-until-killed.ts', import.meta.url).pathname, folder],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    let promised = -1
    for await (const line of createInterface(child.stdout)) {
      promised = Math.max(promised, Number(line))
      if (promised + 1 === writes) child.kill('SIGKILL')
    }
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    expect(child.signalCode).toBe('SIGKILL')

    const store = new LocalObjectStore({ folder: join(folder, 'store'), clock: systemClock, random: systemRandom })
    const stored = new Set<number>()
    for await (const { key, sizeBytes } of listAll(store, '')) {
      const number = Number(key.split('/')[1])
      stored.add(number)
      expect(sizeBytes).toBe(200_000)
      expect((await store.get(key)).equals(Buffer.alloc(200_000, number))).toBe(true)
    }
    const queues = openLocalQueues({
      folder: join(folder, 'queue'),
      clock: systemClock,
      random: systemRandom,
      receivesMax: 5,
    })
    const sent = new Set<number>()
    for (;;) {
      const messages = await queues.queue('backup-slice').receive({ max: 10, waitMs: 0, visibilityMs: 60_000 })
      if (messages.length === 0) break
      for (const { body } of messages) sent.add(Number(body))
    }
    await queues.close()
    for (let number = 0; number <= promised; number++) {
      expect(stored.has(number)).toBe(true)
      expect(sent.has(number)).toBe(true)
    }
  },
)
