/** Has the independent checker, which shares no code with the writer, look at every object of a deployment's store; gives what it objects to. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { KeyService, WrapContext } from '../../../lib/platform/key-service/port.ts'
import { checkStore } from '../../simulation/checker/check-store.ts'
import type { CheckedStore } from '../../simulation/checker/check-store.ts'
import type { Maintained } from '../../simulation/checker/slice.ts'
import { unwrapLocally } from '../../simulation/checker/local-wrapping.ts'
import type { Nebari } from './nebari.ts'
import { storedBytes, withPlatform } from './stored-objects.ts'

export async function checkIndependently(
  nebari: Pick<Nebari, 'folder' | 'settings'>,
  /** Forget and prune went by. */
  maintained?: Maintained,
): Promise<{
  readonly snapshots: number
  readonly violations: readonly string[]
  readonly packs: number
  /** Packs of content that no snapshot needs anything of. */
  readonly deadContent: readonly string[]
}> {
  const keyring = join(nebari.folder, 'keyring')
  const { paths, checked } = await withPlatform(nebari.settings, async (platform) => {
    const objects = await storedBytes(platform)
    return {
      paths: [...objects.keys()],
      checked: existsSync(keyring)
        ? checkWithKeyring(objects, keyring, maintained)
        : await checkWithService(objects, platform.keys, maintained),
    }
  })
  const alive = new Set(
    checked.slices.flatMap(({ snapshots, packsOf }) =>
      snapshots.flatMap(({ packed }) => [...packed].flatMap((chunk) => packsOf.get(chunk) ?? [])),
    ),
  )
  return {
    snapshots: checked.slices.reduce((sum, { snapshots }) => sum + snapshots.length, 0),
    violations: checked.violations.map(({ path, what }) => `${path} ${what}`),
    packs: paths.filter((path) => /^slices\/[^/]+\/(packs|trees)\//.test(path)).length,
    deadContent: paths.filter(
      (path) => /^slices\/[^/]+\/packs\//.test(path) && !alive.has(path.split('/').at(-1) ?? ''),
    ),
  }
}

function checkWithKeyring(
  objects: ReadonlyMap<string, Buffer>,
  keyring: string,
  maintained: Maintained | undefined,
): CheckedStore {
  const { keys } = JSON.parse(readFileSync(keyring, 'utf8')) as {
    readonly keys: readonly { readonly id: string; readonly key: string }[]
  }
  const key = keys.at(-1)
  return checkStore({
    objects,
    ...(maintained === undefined ? {} : { maintained }),
    unwrap: unwrapLocally({ id: Buffer.from(key?.id ?? '', 'hex'), secret: Buffer.from(key?.key ?? '', 'base64') }),
  })
}

/** The checker waits for nobody: what it lacks is asked for behind its back, and it begins again until it lacks nothing. */
async function checkWithService(
  objects: ReadonlyMap<string, Buffer>,
  keys: KeyService,
  maintained: Maintained | undefined,
): Promise<CheckedStore> {
  const unwrapped = new Map<string, Buffer | undefined>()
  for (;;) {
    const lacking = new Map<string, readonly [Buffer, WrapContext]>()
    const checked = checkStore({
      objects,
      ...(maintained === undefined ? {} : { maintained }),
      unwrap(wrapped, context) {
        const name = `${wrapped.toString('base64')} ${JSON.stringify(context)}`
        if (!unwrapped.has(name)) lacking.set(name, [wrapped, context])
        return unwrapped.get(name)
      },
    })
    if (lacking.size === 0) return checked
    for (const [name, [wrapped, context]] of lacking)
      unwrapped.set(name, await keys.unwrap(wrapped, context).catch(() => undefined)) // the checker says what does not open
  }
}
