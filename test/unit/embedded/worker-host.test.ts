import { expect, test } from '@jest/globals'
import type { Service } from '../../../lib/backup/service.ts'
import { workerFunctions } from '../../../lib/cli/context.ts'
import type { WorkerFunction } from '../../../lib/cli/context.ts'
import { embeddedHost } from '../../../lib/embedded/worker-host.ts'
import { memoryPlatform } from '../../kit/memory-platform.ts'

/** The queues that workers of these functions take messages from. */
async function takenBy(only?: readonly WorkerFunction[]): Promise<readonly string[]> {
  const platform = memoryPlatform()
  const taken: string[] = []
  const queues = {
    queue: (name: Parameters<typeof platform.queues.queue>[0]) => {
      taken.push(name)
      return platform.queues.queue(name)
    },
    deadLetter: (name: Parameters<typeof platform.queues.queue>[0]) => {
      taken.push(`${name}-dead`)
      return platform.queues.deadLetter(name)
    },
  }
  const service = { platform: { ...platform, queues }, limits: { parallel: 2 } } as unknown as Service
  const workers = await embeddedHost().startWorkers(service, only)
  await workers.stop()
  return taken.toSorted()
}

const dead = ['backup-slice-dead', 'replay-run-dead', 'settle-run-dead']

test.each([
  [['backup-slice'], ['backup-slice']],
  [['dead-letter'], dead],
  [
    ['replay-run', 'settle-run'],
    ['replay-run', 'settle-run'],
  ],
] as const)('a worker that is only %j takes messages from %j', async (only, queues) => {
  expect(await takenBy(only)).toEqual(queues)
})

test('a worker of all functions takes from every queue, as one that names none', async () => {
  const every = ['backup-slice', 'replay-run', 'settle-run', ...dead].toSorted()
  expect(await takenBy(workerFunctions)).toEqual(every)
  expect(await takenBy()).toEqual(every)
})
