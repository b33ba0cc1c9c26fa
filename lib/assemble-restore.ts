/** Settings → what a restore works on: store and keys, readers, and writers with restore's own credentials. Needs no queue, so it works when only the store is left. */
import { createComponents, createRunningServers, createWriters, knownVocabulary } from './components/registry.ts'
import { chunkThreads } from './chunk-threads.ts'
import type { Log } from './log.ts'
import { platformParts } from './platform/assemble.ts'
import { systemClock } from './platform/clock.ts'
import { systemRandom } from './platform/random.ts'
import { openDeployment } from './repository/deployment-repository.ts'
import type { RestoreService } from './restore/service.ts'
import type { Settings } from './settings.ts'

export interface RestoreServiceOptions {
  readonly log: Log
  /** Another deployment that is restored to: its settings, resolved for restoring. Only its sources are opened; what is kept of the restore is kept where it comes from. */
  readonly target?: Settings
}

/**
 * Runs `action` with everything open, and closes it however that ends. The settings are resolved for restoring.
 * @throws TorikiError what the deployment's opening throws (`deployment-missing`, `keyring-missing`, …).
 */
export async function withRestoreService<T>(
  settings: Settings,
  { log, target }: RestoreServiceOptions,
  action: (service: RestoreService) => Promise<T>,
): Promise<T> {
  const parts = platformParts(settings, { log })
  const [clock, random] = [systemClock, systemRandom]
  const live = target ?? settings
  const components = await createComponents(live, { clock, random })
  const writers = await createWriters(live, { clock, random })
  const servers = createRunningServers(live)
  const threads = chunkThreads()
  try {
    const keys = await parts.keys()
    const platform = { ...(await parts.stores()), keys, clock, random, log, threads }
    const repository = await openDeployment(platform, { name: settings.deployment })
    const limits = { attempts: settings.limits.attempts }
    return await action({
      ...{ platform, repository, components, writers, limits, vocabulary: knownVocabulary },
      ...(servers === undefined ? {} : { servers }),
      ...(target === undefined ? {} : { target: { deployment: target.deployment, settings: target.file } }),
    })
  } finally {
    for (const writer of writers) await writer.close()
    for (const component of components) await component.close()
    await threads.close()
    await parts.close()
  }
}
