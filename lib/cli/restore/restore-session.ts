/**
 * Opens what a restore needs, from the settings, and closes it however the command ends. No more secrets are resolved than are needed: who only looks, or has others do the work (`workers:
 * functions`), needs none of a source.
 */
import { withQueuedRestore } from '../../assemble-queued-restore.ts'
import { withRestoreService } from '../../assemble-restore.ts'
import { loadSettings } from '../../load-settings.ts'
import type { QueuedRestoreService } from '../../restore/queued-service.ts'
import { readRequest } from '../../restore/restore-request.ts'
import type { RestoreService } from '../../restore/service.ts'
import type { Settings } from '../../settings.ts'
import type { CommandContext } from '../context.ts'
import { commandLog } from '../session.ts'
import { requireRestoreAccount } from './restore-account.ts'
import type { RestoreOptions } from './wish.ts'

export interface RestoreSession {
  readonly service: RestoreService
  /** Others do the work, by message; absent: this process does. */
  readonly queued?: QueuedRestoreService
}

/** For looking and acknowledging: records alone. */
export async function withRestoreRecords<T>(
  { settingsFile }: CommandContext,
  action: (service: RestoreService) => Promise<T>,
): Promise<T> {
  const settings = await loadSettings({ file: settingsFile, resolve: 'platform' })
  return await withRestoreService(settings, { log: commandLog() }, action)
}

/** For planning: what is restored to is this deployment, or that of the settings that `--target` names. @throws TorikiError `settings-invalid` where accounts are asked for and nobody can restore them. */
export async function withNewRestore<T>(
  context: CommandContext,
  options: RestoreOptions,
  action: (session: RestoreSession) => Promise<T>,
): Promise<T> {
  return await open(context, options.target, (settings) => requireRestoreAccount(settings, options), action)
}

/** For applying what was planned: to where it was planned for. @throws TorikiError `restore-not-found`. */
export async function withPlannedRestore<T>(
  context: CommandContext,
  restore: string,
  action: (session: RestoreSession) => Promise<T>,
): Promise<T> {
  const request = await withRestoreRecords(context, ({ repository }) => readRequest(repository.records, restore))
  return await open(context, request.target?.settings, () => undefined, action)
}

async function open<T>(
  { settingsFile: file, terminal }: CommandContext,
  target: string | undefined,
  check: (live: Settings) => void,
  action: (session: RestoreSession) => Promise<T>,
): Promise<T> {
  const log = commandLog()
  const settings = await loadSettings({ file, resolve: 'platform' })
  if (target !== undefined) {
    const live = await loadSettings({ file: target, resolve: 'restore' })
    check(live)
    if (settings.workers === 'functions')
      terminal.err('Into another deployment this process restores by itself; no functions are asked.\n')
    return await withRestoreService(settings, { log, target: live }, (service) => action({ service }))
  }
  check(settings)
  if (settings.workers === 'functions')
    return await withQueuedRestore(settings, { log }, (service) => action({ service, queued: service }))
  const own = await loadSettings({ file, resolve: 'restore' })
  return await withRestoreService(own, { log }, (service) => action({ service }))
}
