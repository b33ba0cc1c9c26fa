/** What lies in a deployment's store, and in the bucket of its keys, whatever drivers the settings name. */
import { silentLog } from '../../../lib/log.ts'
import { assemblePlatform } from '../../../lib/platform/assemble.ts'
import { listAll } from '../../../lib/platform/object-store/port.ts'
import type { Platform } from '../../../lib/platform/platform.ts'
import { loadSettings } from '../../../lib/load-settings.ts'
import type { StoreObjects } from './store-objects.ts'

/** Opens the platform for as long as the action takes. Asks no source. */
export async function withPlatform<T>(settingsFile: string, action: (platform: Platform) => Promise<T>): Promise<T> {
  const platform = await assemblePlatform(await loadSettings({ file: settingsFile, resolve: 'platform' }), {
    log: silentLog,
  })
  try {
    return await action(platform)
  } finally {
    await platform.close()
  }
}

/** Key → size in bytes. */
export function storedObjects(settingsFile: string): Promise<StoreObjects> {
  return withPlatform(settingsFile, async ({ store, keyStore }) => {
    const found = new Map<string, number>()
    for (const place of new Set([store, keyStore]))
      for await (const { key, sizeBytes } of listAll(place, '')) found.set(key, sizeBytes)
    return found
  })
}

/** Key → bytes: for small stores. */
export async function storedBytes({ store, keyStore }: Platform): Promise<ReadonlyMap<string, Buffer>> {
  const found = new Map<string, Buffer>()
  for (const place of new Set([store, keyStore]))
    for await (const { key } of listAll(place, '')) found.set(key, await place.get(key))
  return found
}
