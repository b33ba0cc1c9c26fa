/**
 * What a restore needs, tried with its own credentials. Where only backups run it need not be there: then it is said, and not held against the machine. What the settings name and this
 * machine can open must work.
 */
import type { Check } from '../components/component.ts'
import { createRunningServers, createWriters } from '../components/registry.ts'
import type { ComponentWriter } from '../components/writer.ts'
import { isTorikiError } from '../errors.ts'
import { systemClock } from '../platform/clock.ts'
import { systemRandom } from '../platform/random.ts'
import type { Settings } from '../settings.ts'
import { failing } from './check.ts'

/** Nobody is called so: the hub need only answer. */
const NOBODY = 'toriki-doctor'

/** `load` resolves the settings for restoring. Changes nothing. Never throws. */
export async function* checkRestore(load: () => Settings | Promise<Settings>): AsyncGenerator<Check, void, void> {
  let settings: Settings
  try {
    settings = await load()
  } catch (error) {
    if (!isTorikiError(error, 'reference-unresolved')) yield failing('restore: settings', error)
    else
      yield {
        check: 'restore: not from this machine',
        ok: true,
        remedy: `${error.message} That is as it should be where only backups run; where somebody restores: ${error.remedy}`,
      }
    return
  }
  const { keycloak } = settings.components
  if (keycloak !== undefined && keycloak.restore === undefined)
    yield {
      check: 'restore: no account for Keycloak',
      ok: true,
      remedy:
        'Accounts cannot be restored: name a client under components.keycloak.restore. `toriki init keycloak` prints how to make it.',
    }
  for (const [setting, its] of Object.entries(settings.components)) {
    // Each made alone: one that cannot be made hides no other.
    const alone = { ...settings, components: { [setting]: its } }
    try {
      for (const writer of await createWriters(alone, { clock: systemClock, random: systemRandom }))
        yield* checkWriter(writer)
      yield* checkHub(alone)
    } catch (error) {
      yield failing(`restore: ${setting}`, error)
    }
  }
}

async function* checkWriter(writer: ComponentWriter): AsyncGenerator<Check, void, void> {
  try {
    // Files have no credentials of their own: who backs up may well be somebody who can only read.
    for await (const check of writer.doctor()) yield writer.name === 'files' ? advising(check) : check
  } catch (error) {
    yield failing(`restore: ${writer.name}`, error)
  } finally {
    await writer.close()
  }
}

async function* checkHub(settings: Settings): AsyncGenerator<Check, void, void> {
  const servers = createRunningServers(settings)
  if (servers === undefined) return
  const context = { clock: systemClock, signal: new AbortController().signal }
  const answer = await servers.ask(NOBODY, context)
  const check = 'jupyterhub: says whose server runs'
  if (answer.kind !== 'unknown') yield { check, ok: true }
  else yield { check, ok: false, remedy: answer.why }
}

function advising({ check, ok, remedy }: Check): Check {
  if (ok) return { check, ok, ...(remedy === undefined ? {} : { remedy }) }
  return {
    check,
    ok: true,
    remedy: `Not possible here, and only a restore needs it: ${remedy ?? 'look at the mount.'}`,
  }
}
