/** Has the independent checker, which shares no code with the writer, look at every object of a deployment's store; gives what it objects to. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock } from '../../../lib/platform/clock.ts'
import { LocalObjectStore } from '../../../lib/platform/object-store/local.ts'
import { listAll } from '../../../lib/platform/object-store/port.ts'
import { systemRandom } from '../../../lib/platform/random.ts'
import { checkStore } from '../../simulation/checker/check-store.ts'
import { unwrapLocally } from '../../simulation/checker/local-wrapping.ts'
import type { Nebari } from './nebari.ts'

export async function checkIndependently(
  nebari: Nebari,
): Promise<{ readonly snapshots: number; readonly violations: readonly string[] }> {
  const store = new LocalObjectStore({ folder: nebari.store, clock: systemClock, random: systemRandom })
  const objects = new Map<string, Buffer>()
  for await (const { key } of listAll(store, '')) objects.set(key, await store.get(key))
  const { keys } = JSON.parse(readFileSync(join(nebari.folder, 'keyring'), 'utf8')) as {
    readonly keys: readonly { readonly id: string; readonly key: string }[]
  }
  const key = keys.at(-1)
  const { violations, slices } = checkStore({
    objects,
    unwrap: unwrapLocally({ id: Buffer.from(key?.id ?? '', 'hex'), secret: Buffer.from(key?.key ?? '', 'base64') }),
  })
  return {
    snapshots: slices.reduce((sum, { snapshots }) => sum + snapshots.length, 0),
    violations: violations.map(({ path, what }) => `${path} ${what}`),
  }
}
