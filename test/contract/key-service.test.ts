import { join } from 'node:path'
import { systemClock } from '../../lib/platform/clock.ts'
import { FaultInjector, noFaults } from '../../lib/platform/fault.ts'
import { faultyKeyService } from '../../lib/platform/key-service/fault.ts'
import { createKeyring } from '../../lib/platform/key-service/keyring.ts'
import { limitKeyService } from '../../lib/platform/key-service/limit.ts'
import { openLocalKeyService } from '../../lib/platform/key-service/local.ts'
import { MemoryKeyService } from '../../lib/platform/key-service/memory.ts'
import type { KeyService } from '../../lib/platform/key-service/port.ts'
import { recordKeyService } from '../../lib/platform/key-service/record.ts'
import { retryKeyService } from '../../lib/platform/key-service/retry.ts'
import { systemRandom } from '../../lib/platform/random.ts'
import { FakeClock } from '../kit/fake-clock.ts'
import { seededRandom } from '../kit/seeded-random.ts'
import { temporaryFolder } from '../kit/temporary-folder.ts'
import { keyServiceContract } from './key-service.ts'

const random = seededRandom('key services')
const memory = (): KeyService => new MemoryKeyService({ random })
const local = async (): Promise<KeyService> => {
  const path = join(await temporaryFolder(), 'keys', 'keyring')
  await createKeyring(path, { deployment: 'campus', clock: systemClock, random: systemRandom })
  return openLocalKeyService({ path, deployment: 'campus', random: systemRandom })
}

keyServiceContract('memory', async () => memory())
keyServiceContract('local', local)
keyServiceContract('memory with retries', async () =>
  retryKeyService(memory(), { clock: new FakeClock({ auto: true }), random }),
)
keyServiceContract('local with retries, recorded', async () =>
  recordKeyService(retryKeyService(await local(), { clock: systemClock, random })),
)
keyServiceContract('memory under limits', async () =>
  limitKeyService(memory(), { clock: new FakeClock({ auto: true }), requestsPerSecond: 100 }),
)
keyServiceContract('memory with a fault injector that has no faults', async () =>
  faultyKeyService(memory(), new FaultInjector({ plan: noFaults, clock: new FakeClock() })),
)
