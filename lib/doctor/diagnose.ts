/**
 * Every connection and right, one line each, with what to do about each that fails: what `toriki doctor` prints and the function `doctor` answers. Each thing is tried
 * alone, so that one failing does not hide the others; only what stands on something that failed is left out. Changes nothing, anywhere.
 */
import type { Check } from '../components/component.ts'
import { createComponents } from '../components/registry.ts'
import type { Log } from '../log.ts'
import { systemClock } from '../platform/clock.ts'
import { systemRandom } from '../platform/random.ts'
import type { Settings } from '../settings.ts'
import { failing } from './check.ts'
import { checkPlatform } from './check-platform.ts'

export interface DiagnoseOptions {
  /** Throws what is wrong with them. */
  readonly settings: () => Settings | Promise<Settings>
  readonly log: Log
}

/** Never throws for a check that fails. */
export async function* diagnose(options: DiagnoseOptions): AsyncGenerator<Check, void, void> {
  let settings: Settings
  try {
    settings = await options.settings()
    yield { check: `settings: ${settings.file}`, ok: true }
  } catch (error) {
    yield failing('settings', error)
    return
  }
  yield* checkPlatform(settings, options.log)
  yield* checkComponents(settings)
}

async function* checkComponents(settings: Settings): AsyncGenerator<Check, void, void> {
  let components: ReturnType<typeof createComponents>
  try {
    components = createComponents(settings, { clock: systemClock, random: systemRandom })
  } catch (error) {
    yield failing('components', error)
    return
  }
  for (const component of components) {
    try {
      yield* component.doctor()
    } catch (error) {
      yield failing(component.name, error)
    } finally {
      await component.close()
    }
  }
}
