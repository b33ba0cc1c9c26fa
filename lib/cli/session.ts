/** Opens what a command needs, from the settings, and closes it however the command ends. */
import { assembleService } from '../assemble-service.ts'
import type { Service } from '../backup/service.ts'
import type { RunView } from '../backup/run-report.ts'
import { jsonLog } from '../log.ts'
import type { Log } from '../log.ts'
import { platformParts } from '../platform/assemble.ts'
import { systemClock } from '../platform/clock.ts'
import type { StorePlatform } from '../platform/platform.ts'
import { systemRandom } from '../platform/random.ts'
import { openDeployment } from '../repository/deployment-repository.ts'
import type { DeploymentRepository } from '../repository/repository.ts'
import { loadSettings } from '../load-settings.ts'
import { environment } from '../settings-environment.ts'
import type { Settings } from '../settings.ts'
import type { CommandContext } from './context.ts'

export interface StoreSession {
  readonly settings: Settings
  readonly platform: StorePlatform
  readonly repository: DeploymentRepository
}

/** For commands that only look at what is stored: no source and no queue is asked, no secret of one resolved. So it works when all but the store is gone. */
export async function withRepository<T>(
  context: CommandContext,
  action: (session: StoreSession) => Promise<T>,
): Promise<T> {
  const settings = await loadSettings({ file: context.settingsFile, resolve: 'platform' })
  return await withStore(settings, async (platform) => {
    const repository = await openDeployment(platform, { name: settings.deployment })
    return await action({ settings, platform, repository })
  })
}

/** Store and keys without the queues, until the action ends. */
export async function withStore<T>(settings: Settings, action: (platform: StorePlatform) => Promise<T>): Promise<T> {
  const log = commandLog()
  const parts = platformParts(settings, { log })
  try {
    const keys = await parts.keys()
    return await action({ ...(await parts.stores()), keys, clock: systemClock, random: systemRandom, log })
  } finally {
    await parts.close()
  }
}

/** For commands about runs: a service without components. */
export async function withRecords<T>(
  context: CommandContext,
  action: (service: RunView & Service) => Promise<T>,
): Promise<T> {
  const settings = await loadSettings({ file: context.settingsFile, resolve: 'platform' })
  const service = await assembleService(settings, { log: commandLog() })
  return await action(service).finally(() => closeService(service))
}

/** For commands that ask the sources. `keepsInOrder`: for those that stay, and work on what follows a run. */
export async function withService<T>(
  context: CommandContext,
  action: (session: { readonly service: Service; readonly settings: Settings }) => Promise<T>,
  { keepsInOrder = false }: { readonly keepsInOrder?: boolean } = {},
): Promise<T> {
  const settings = await loadSettings({ file: context.settingsFile })
  const service = await assembleService(settings, { log: commandLog(), keepsInOrder })
  return await action({ service, settings }).finally(() => closeService(service))
}

/** The log of a command: quiet unless TORIKI_LOG says otherwise (`debug`, `info`, `warn`, `error`), on stderr. */
export function commandLog(): Log {
  const level = environment('TORIKI_LOG')
  const least = level === 'debug' || level === 'info' || level === 'warn' ? level : 'error'
  return jsonLog(
    (line) => void process.stderr.write(line),
    () => systemClock.now(),
    least,
  )
}

/** Resolves when the signal is aborted. */
export function untilAborted(signal: AbortSignal): Promise<void> {
  return signal.aborted
    ? Promise.resolve()
    : new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}

async function closeService(service: Service): Promise<void> {
  for (const component of service.components) await component.close()
  await service.platform.close()
}
