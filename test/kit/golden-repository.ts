/** The golden repository of a format's version in memory: a test may damage its copy. */
import { chmodSync, copyFileSync, cpSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import { openLocalKeyService } from '../../lib/platform/key-service/local.ts'
import type { KeyService } from '../../lib/platform/key-service/port.ts'
import { FakeClock } from './fake-clock.ts'
import { memoryPlatform } from './memory-platform.ts'
import type { MemoryPlatform } from './memory-platform.ts'
import { seededRandom } from './seeded-random.ts'
import { temporaryFolder } from './temporary-folder.ts'

export const goldenFolder = join(import.meta.dirname, '../golden/version-1')

export interface GoldenRepository {
  readonly platform: Omit<MemoryPlatform, 'keys'> & { readonly keys: KeyService }
  readonly clock: FakeClock
}

let objects: readonly (readonly [key: string, body: Buffer])[] | undefined
let keyService: Promise<KeyService> | undefined

export async function goldenRepository(): Promise<GoldenRepository> {
  const clock = new FakeClock({ start: '2026-03-06T12:00:00Z', auto: true })
  const memory = memoryPlatform({ clock, seed: 'golden copy' })
  objects ??= goldenObjects().map(([key, path]) => [key, readFileSync(path)])
  for (const [key, body] of objects) await memory.store.create(key, body)
  keyService ??= temporaryFolder().then(async (folder) =>
    openLocalKeyService({ path: goldenKeyring(folder), deployment: 'campus', random: seededRandom('golden copy') }),
  )
  return { platform: { ...memory, keys: await keyService }, clock }
}

/** Keys and where they lie, ascending. */
export function goldenObjects(): readonly (readonly [key: string, path: string])[] {
  const store = join(goldenFolder, 'store')
  return readdirSync(store, { recursive: true, encoding: 'utf8' })
    .map((name) => join(store, name))
    .filter((path) => statSync(path).isFile())
    .map((path) => [relative(store, path), path] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1))
}

/** A copy of the store as a folder, and the keyring as only its owner reads it. */
export function copyGolden(folder: string): { readonly store: string; readonly keyring: string } {
  const store = join(folder, 'store')
  cpSync(join(goldenFolder, 'store'), store, { recursive: true })
  return { store, keyring: goldenKeyring(folder) }
}

function goldenKeyring(folder: string): string {
  const path = join(folder, 'keyring')
  copyFileSync(join(goldenFolder, 'keyring'), path)
  chmodSync(path, 0o600)
  return path
}
