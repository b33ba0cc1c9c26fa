import { expect, test } from '@jest/globals'
import { join } from 'node:path'
import { systemClock } from '../../lib/platform/clock.ts'
import { FaultInjector, noFaults } from '../../lib/platform/fault.ts'
import { faultyObjectStore } from '../../lib/platform/object-store/fault.ts'
import { limitObjectStore } from '../../lib/platform/object-store/limit.ts'
import { LocalObjectStore } from '../../lib/platform/object-store/local.ts'
import { MemoryObjectStore } from '../../lib/platform/object-store/memory.ts'
import { recordObjectStore } from '../../lib/platform/object-store/record.ts'
import { retryObjectStore } from '../../lib/platform/object-store/retry.ts'
import { systemRandom } from '../../lib/platform/random.ts'
import { runProcess } from '../kit/child-process.ts'
import { FakeClock } from '../kit/fake-clock.ts'
import { seededRandom } from '../kit/seeded-random.ts'
import { temporaryFolder } from '../kit/temporary-folder.ts'
import { objectStoreContract } from './object-store.ts'

const local = async (): Promise<LocalObjectStore> =>
  new LocalObjectStore({ folder: join(await temporaryFolder(), 'store'), clock: systemClock, random: systemRandom })
const memory = (clock = new FakeClock()): MemoryObjectStore => new MemoryObjectStore({ clock })

objectStoreContract('memory', async () => memory())
objectStoreContract('local', local, { propertyRuns: 20 })
objectStoreContract('memory with retries', async () =>
  retryObjectStore(memory(), { clock: new FakeClock({ auto: true }), random: seededRandom(1) }),
)
objectStoreContract(
  'local with retries',
  async () => retryObjectStore(await local(), { clock: systemClock, random: systemRandom }),
  { propertyRuns: 5 },
)
objectStoreContract('memory under limits', async () => {
  const clock = new FakeClock({ auto: true })
  return limitObjectStore(memory(clock), { clock, requestsPerSecond: 100, bytesPerSecond: 10_000, callsAtOnce: 3 })
})
objectStoreContract('memory with a fault injector that has no faults, recorded', async () => {
  const clock = new FakeClock()
  return recordObjectStore(faultyObjectStore(memory(clock), new FaultInjector({ plan: noFaults, clock })))
})

test('local: of two processes that create the same objects each wins what the other does not', async () => {
  const folder = await temporaryFolder()
  const count = 150
  const file = new URL('./processes/create-objects.ts', import.meta.url)
  const [ann, bob] = (
    await Promise.all(['ann', 'bob'].map((name) => runProcess(file, folder, name, String(count))))
  ).map((text) => JSON.parse(text) as number[])
  expect([...(ann ?? []), ...(bob ?? [])].toSorted((a, b) => a - b)).toEqual(
    Array.from({ length: count }, (_, number) => number),
  )
  const store = new LocalObjectStore({ folder, clock: systemClock, random: systemRandom })
  for (const number of ann ?? []) expect((await store.get(`race/${number % 7}/${number}`)).toString()).toBe('ann')
  for (const number of bob ?? []) expect((await store.get(`race/${number % 7}/${number}`)).toString()).toBe('bob')
})
