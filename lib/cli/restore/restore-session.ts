/** Opens what a restore needs, from the settings, and closes it however the command ends. No more secrets are resolved than are needed: whoever only looks needs none of a source. */
import { withRestoreService } from '../../assemble-restore.ts'
import { loadSettings } from '../../load-settings.ts'
import { readRequest } from '../../restore/restore-request.ts'
import type { RestoreService } from '../../restore/service.ts'
import type { CommandContext } from '../context.ts'
import { commandLog } from '../session.ts'
import { requireRestoreAccount } from './restore-account.ts'
import type { RestoreOptions } from './wish.ts'

type Action<T> = (service: RestoreService) => Promise<T>

/** For looking and acknowledging: records alone. */
export async function withRestoreRecords<T>({ settingsFile }: CommandContext, action: Action<T>): Promise<T> {
  const settings = await loadSettings({ file: settingsFile, resolve: 'platform' })
  return await withRestoreService(settings, { log: commandLog() }, action)
}

/** For planning: what is restored to is this deployment, or that of the settings that `--target` names. @throws TorikiError `settings-invalid` where accounts are asked for and nobody can restore them. */
export async function withNewRestore<T>(
  context: CommandContext,
  options: RestoreOptions,
  action: Action<T>,
): Promise<T> {
  const { target: file } = options
  const live = await loadSettings({ file: file ?? context.settingsFile, resolve: 'restore' })
  requireRestoreAccount(live, options)
  if (file === undefined) return await withRestoreService(live, { log: commandLog() }, action)
  const settings = await loadSettings({ file: context.settingsFile, resolve: 'platform' })
  return await withRestoreService(settings, { log: commandLog(), target: live }, action)
}

/** For applying what was planned: to where it was planned for. @throws TorikiError `restore-not-found`. */
export async function withPlannedRestore<T>(context: CommandContext, restore: string, action: Action<T>): Promise<T> {
  const target = await withRestoreRecords(
    context,
    async ({ repository }) => (await readRequest(repository.records, restore)).target,
  )
  if (target === undefined) {
    const settings = await loadSettings({ file: context.settingsFile, resolve: 'restore' })
    return await withRestoreService(settings, { log: commandLog() }, action)
  }
  const live = await loadSettings({ file: target.settings, resolve: 'restore' })
  const settings = await loadSettings({ file: context.settingsFile, resolve: 'platform' })
  return await withRestoreService(settings, { log: commandLog(), target: live }, action)
}
