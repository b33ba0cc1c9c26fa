/** What `doctor` asks of store, keys and queue: each tried alone. Writes nothing. */
import type { Check } from '../components/component.ts'
import type { Log } from '../log.ts'
import { assemblePlatform } from '../platform/assemble.ts'
import type { Platform } from '../platform/platform.ts'
import { queueNames } from '../platform/queue/port.ts'
import { openDeployment } from '../repository/deployment-repository.ts'
import type { Settings } from '../settings.ts'
import { failing, tryOne } from './check.ts'

export async function* checkPlatform(settings: Settings, log: Log): AsyncGenerator<Check, void, void> {
  let platform: Platform
  try {
    platform = await assemblePlatform(settings, { log })
    yield { check: 'platform: keys and queue open', ok: true }
  } catch (error) {
    yield failing('platform: keys and queue open', error)
    return
  }
  try {
    yield await tryOne('store: can be listed', () => platform.store.list('deployment/'))
    yield await tryOne('store: holds this deployment, and the keys open it', () =>
      openDeployment(platform, { name: settings.deployment }),
    )
    for (const name of queueNames) {
      yield await tryOne(`queue: ${name}`, async () => {
        await platform.queues.queue(name).depth()
        await platform.queues.deadLetter(name).depth()
      })
    }
  } finally {
    await platform.close()
  }
}
