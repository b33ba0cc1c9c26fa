/**
 * Settings → a restore that is worked on by messages. Whoever sends and follows them needs store, keys and queues; the two functions of a restore, and a worker that takes their messages, have
 * readers and writers with restore's own credentials beside them. No other function comes here.
 */
import { access, constants } from 'node:fs/promises'
import { createComponents, createRunningServers, createWriters, knownVocabulary } from './components/registry.ts'
import { isTorikiError } from './errors.ts'
import { keptService } from './assemble-invocation.ts'
import { loadSettings } from './load-settings.ts'
import type { LoadOptions } from './load-settings.ts'
import { chunkThreads } from './chunk-threads.ts'
import type { Log } from './log.ts'
import { assemblePlatform } from './platform/assemble.ts'
import type { Platform } from './platform/platform.ts'
import { openDeployment } from './repository/deployment-repository.ts'
import type { QueuedRestoreService } from './restore/queued-service.ts'
import { OTHERS_MS } from './restore/step-watch.ts'
import type { Settings } from './settings.ts'

/**
 * For who sends and follows: no component and no writer, so none of their secrets. Closes everything however the action ends.
 * @throws TorikiError what the platform's assembly and the deployment's opening throw.
 */
export async function withQueuedRestore<T>(
  settings: Settings,
  { log }: { readonly log: Log },
  action: (service: QueuedRestoreService) => Promise<T>,
): Promise<T> {
  const service = await openRestore(settings, log, { sources: false })
  return await action(service).finally(() => closeRestore(service))
}

/**
 * For who does the work. `settings` were resolved for restoring.
 * @throws TorikiError what the platform's assembly and the deployment's opening throw; nothing stays open then.
 */
export async function openRestoreWork(settings: Settings, log: Log): Promise<QueuedRestoreService> {
  return await openRestore(settings, log, { sources: true })
}

async function openRestore(
  settings: Settings,
  log: Log,
  { sources }: { readonly sources: boolean },
): Promise<QueuedRestoreService> {
  const parts = await assemblePlatform(settings, { log })
  const threads = sources ? chunkThreads() : undefined
  const platform: Platform = {
    ...parts,
    ...(threads === undefined ? {} : { threads }),
    async close() {
      await threads?.close()
      await parts.close()
    },
  }
  try {
    const repository = await openDeployment(platform, { name: settings.deployment })
    const { attempts, parallel } = settings.limits
    const limits = { attempts, parallel, othersMs: OTHERS_MS }
    const opened = { platform, repository, limits }
    if (!sources) return { ...opened, components: [], writers: [], vocabulary: knownVocabulary }
    const servers = createRunningServers(settings)
    return {
      ...opened,
      components: await createComponents(settings, platform),
      writers: await createWriters(settings, platform),
      ...(servers === undefined ? {} : { servers }),
    }
  } catch (error) {
    await platform.close()
    throw error
  }
}

/** Done twice it is the same as done once. */
export async function closeRestore({ writers, components, platform }: QueuedRestoreService): Promise<void> {
  for (const writer of writers) await writer.close()
  for (const component of components) await component.close()
  await platform.close()
}

/** One invocation of a restore's function: with the service of this process. */
export const invokedRestore = keptService(
  async (log) => await openRestoreWork(await loadSettings({ resolve: 'restore' }), log),
)

/**
 * The same settings, resolved for restoring, when this process can restore all that they name; else why it cannot, for people. A worker that cannot leaves the messages to one that can: it would
 * restore a part and say that it was all.
 */
export async function restoreSettings(
  settings: Settings,
  options: Pick<LoadOptions, 'read'> = {},
): Promise<{ readonly settings: Settings } | { readonly hindrance: string }> {
  let resolved: Settings
  try {
    resolved = await loadSettings({ ...options, file: settings.file, resolve: 'restore' })
  } catch (error) {
    if (isTorikiError(error, 'reference-unresolved')) return { hindrance: error.message }
    throw error
  }
  const { keycloak, files } = resolved.components
  if (keycloak !== undefined && keycloak.restore === undefined)
    return { hindrance: 'components.keycloak.restore is not there: the account that restores' }
  if (files !== undefined && !(await isWritable(files.root)))
    return { hindrance: 'components.files.root cannot be written to from here' }
  return { settings: resolved }
}

async function isWritable(folder: string): Promise<boolean> {
  return await access(folder, constants.W_OK).then(
    () => true,
    () => false,
  )
}
