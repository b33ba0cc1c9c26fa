/** What `doctor` asks of store, keys and queue: each tried alone, so that one failing does not hide the others. Writes nothing. */
import type { Check } from '../components/component.ts'
import { toTorikiError } from '../errors.ts'
import { assemblePlatform } from '../platform/assemble.ts'
import type { Platform } from '../platform/platform.ts'
import { queueNames } from '../platform/queue/port.ts'
import { openDeployment } from '../repository/deployment-repository.ts'
import type { Settings } from '../settings.ts'
import { commandLog } from './session.ts'

export async function* checkPlatform(settings: Settings): AsyncGenerator<Check> {
  let platform: Platform
  try {
    platform = await assemblePlatform(settings, { log: commandLog() })
    yield { check: 'platform: keys and queue open', ok: true }
  } catch (error) {
    yield failing('platform: keys and queue open', error)
    return
  }
  try {
    yield await check('store: can be listed', async () => void (await platform.store.list('deployment/')))
    yield await check(
      'store: holds this deployment, and the keys open it',
      async () => void (await openDeployment(platform, { name: settings.deployment })),
    )
    for (const name of queueNames) {
      yield await check(`queue: ${name}`, async () => {
        await platform.queues.queue(name).depth()
        await platform.queues.deadLetter(name).depth()
      })
    }
  } finally {
    await platform.close()
  }
}

async function check(name: string, action: () => Promise<void>): Promise<Check> {
  try {
    await action()
    return { check: name, ok: true }
  } catch (error) {
    return failing(name, error)
  }
}

function failing(name: string, error: unknown): Check {
  const { message, remedy } = toTorikiError(error)
  return { check: name, ok: false, remedy: `${message} ${remedy}` }
}
