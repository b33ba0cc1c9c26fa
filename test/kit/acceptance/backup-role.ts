/**
 * A service with no more rights than the role that backs up: store and queue as they are, and a key service whose policy unwraps everything but what is
 * wrapped for the purpose `content` (docs/format.md, roles). What the policy refused is counted.
 */
import type { Service } from '../../../lib/backup/service.ts'
import { createComponents } from '../../../lib/components/registry.ts'
import { TorikiError } from '../../../lib/errors.ts'
import { silentLog } from '../../../lib/log.ts'
import { assemblePlatform } from '../../../lib/platform/assemble.ts'
import type { KeyService } from '../../../lib/platform/key-service/port.ts'
import { silentMetrics } from '../../../lib/platform/metrics.ts'
import { openDeployment } from '../../../lib/repository/deployment-repository.ts'
import { loadSettings } from '../../../lib/load-settings.ts'

export interface BackupRole {
  readonly service: Service
  /** Unwraps that were asked for, by purpose, the refused ones included. */
  readonly unwrapped: ReadonlyMap<string, number>
  close(): Promise<void>
}

export async function openBackupRole(settingsFile: string): Promise<BackupRole> {
  const settings = await loadSettings({ file: settingsFile })
  const assembled = await assemblePlatform(settings, { log: silentLog })
  const unwrapped = new Map<string, number>()
  const platform = { ...assembled, keys: withoutContent(assembled.keys, unwrapped) }
  const service: Service = {
    platform,
    repository: await openDeployment(platform, { name: settings.deployment }),
    components: await createComponents(settings, platform),
    limits: { ...settings.limits, visibilityMs: 60_000 },
    metrics: silentMetrics,
    alarm: async () => undefined,
  }
  return {
    service,
    unwrapped,
    async close() {
      for (const component of service.components) await component.close()
      await assembled.close()
    },
  }
}

function withoutContent(keys: KeyService, unwrapped: Map<string, number>): KeyService {
  return {
    description: keys.description,
    wrap: (plaintext, context) => keys.wrap(plaintext, context),
    async unwrap(wrapped, context) {
      const { purpose = '' } = context
      unwrapped.set(purpose, (unwrapped.get(purpose) ?? 0) + 1)
      if (purpose === 'content') throw new TorikiError('key-unusable')
      return await keys.unwrap(wrapped, context)
    },
  }
}
