/**
 * Every connection and right, one line each, with what to do about each that fails: what `toriki doctor` prints and the function `doctor` answers. Each thing is tried
 * alone, so that one failing does not hide the others; only what stands on something that failed is left out. Changes nothing, anywhere.
 */
import type { Check, Component } from '../components/component.ts'
import { componentsInCluster } from '../components/needs-cluster.ts'
import type { ClusterNeed } from '../components/needs-cluster.ts'
import { createComponents } from '../components/registry.ts'
import { isTorikiError } from '../errors.ts'
import type { Log } from '../log.ts'
import { systemClock } from '../platform/clock.ts'
import { systemRandom } from '../platform/random.ts'
import type { Settings } from '../settings.ts'
import { failing, startNow } from './check.ts'
import { checkPlatform } from './check-platform.ts'
import { checkRestore } from './check-restore.ts'

export interface DiagnoseOptions {
  /** Throws what is wrong with them. `platform`: no secret of a component is resolved, so that one that is missing hides nothing else. */
  readonly settings: (resolve: 'all' | 'platform' | 'restore') => Settings | Promise<Settings>
  readonly log: Log
  /** Where a function runs: what functions leave to a worker in the cluster is not held against it. */
  readonly asFunction?: boolean
}

/** Never throws for a check that fails. Each line is given once. */
export async function* diagnose(options: DiagnoseOptions): AsyncGenerator<Check, void, void> {
  const { asFunction = false, log } = options
  const settings = yield* loading(options)
  if (settings === undefined) return
  const needs = settings.workers === 'functions' ? componentsInCluster(settings) : []
  const [platform, components, restore] = [
    startNow(checkPlatform(settings, { log, asFunction })),
    startNow(checkComponents(settings, asFunction ? needs : [])),
    // Functions that back up never hold what a restore writes with.
    asFunction ? undefined : startNow(checkRestore(() => options.settings('restore'))),
  ]
  yield* platform()
  yield* components()
  if (restore !== undefined) yield* restore()
  if (settings.workers === 'functions') yield workers(needs)
}

async function* loading({ settings }: DiagnoseOptions): AsyncGenerator<Check, Settings | undefined, void> {
  try {
    const loaded = await settings('all')
    yield { check: `settings: ${loaded.file}`, ok: true }
    return loaded
  } catch (error) {
    yield failing('settings', error)
    if (!isTorikiError(error, 'reference-unresolved')) return undefined
  }
  try {
    return await settings('platform')
  } catch {
    return undefined // the line above has said enough
  }
}

async function* checkComponents(settings: Settings, left: readonly ClusterNeed[]): AsyncGenerator<Check, void, void> {
  for (const [setting, its] of Object.entries(settings.components)) {
    // Each made alone: one that cannot be made hides no other.
    const alone = { ...settings, components: { [setting]: its } }
    try {
      for (const component of await createComponents(alone, { clock: systemClock, random: systemRandom }))
        yield* checkComponent(component, left)
    } catch (error) {
      yield failing(`${setting}: settings`, error)
    }
  }
}

async function* checkComponent(component: Component, left: readonly ClusterNeed[]): AsyncGenerator<Check, void, void> {
  const need = left.find((one) => one.component === component.name)
  try {
    for await (const check of component.doctor()) yield need === undefined ? check : excused(check, need)
  } catch (error) {
    yield failing(component.name, error)
  } finally {
    await component.close()
  }
}

/** A function need not reach what it leaves to a worker. */
function excused({ check, ok, remedy }: Check, { because, lines }: ClusterNeed): Check {
  if (ok || !lines.test(check)) return { check, ok, ...(remedy === undefined ? {} : { remedy }) }
  return {
    check,
    ok: true,
    remedy: `Not for a function to reach: ${because}. Run \`toriki doctor\` where \`toriki work\` runs.`,
  }
}

function workers(needs: readonly ClusterNeed[]): Check {
  if (needs.length === 0) return { check: 'workers: functions reach every component', ok: true }
  return {
    check: `workers: needed in the cluster for ${needs.map(({ component }) => component).join(', ')}`,
    ok: true,
    remedy: `Run \`toriki work\` in the cluster (infra/kubernetes): ${needs.map(({ because }) => because).join('; ')}.`,
  }
}
