/**
 * Settings → a service: platform, deployment, components, limits and the alarm, put together in one place for functions, command line and the service on one
 * machine. Use cases are given the result and never come here.
 */
import type { Service } from './backup/service.ts'
import { createComponents } from './components/registry.ts'
import { FUNCTION_TIMEOUT_MS, VISIBILITY_FACTOR } from './limits.ts'
import { jsonLog } from './log.ts'
import type { Log } from './log.ts'
import { runAlarmCommand } from './platform/alarm-command.ts'
import { assemblePlatform } from './platform/assemble.ts'
import type { AssembleOptions } from './platform/assemble.ts'
import { systemClock } from './platform/clock.ts'
import { silentMetrics } from './platform/metrics.ts'
import { openDeployment } from './repository/deployment-repository.ts'
import { loadSettings } from './load-settings.ts'
import type { Settings } from './settings.ts'

/**
 * Opens everything; close components and platform when done. With settings whose sources were not resolved, a service without components: for looking at runs.
 * @throws TorikiError what the platform's assembly and the deployment's opening throw (`deployment-missing`, `keyring-missing`, …); nothing stays open then.
 */
export async function assembleService(settings: Settings, options: AssembleOptions): Promise<Service> {
  const platform = await assemblePlatform(settings, options)
  try {
    const repository = await openDeployment(platform, { name: settings.deployment })
    const { parallel, attempts, shrink } = settings.limits
    const { command, rpoMs } = settings.alarms
    return {
      platform,
      repository,
      components: createComponents(settings, platform),
      limits: {
        parallel,
        attempts,
        shrink,
        visibilityMs: FUNCTION_TIMEOUT_MS * VISIBILITY_FACTOR,
        ...(rpoMs === undefined ? {} : { rpoMs }),
      },
      metrics: silentMetrics,
      async alarm(alarm) {
        options.log.write(alarm.alarm === 'no-backup' || alarm.outcome === 'failed' ? 'error' : 'warn', 'alarm', {
          alarm: alarm.alarm,
          run: alarm.run,
          outcome: alarm.outcome,
        })
        if (command !== undefined) await runAlarmCommand(command, alarm, options.log)
      },
    }
  } catch (error) {
    await platform.close()
    throw error
  }
}

let ofThisProcess: Promise<Service> | undefined

/** The service of a function's process: opened by the first invocation, kept for the others; opened anew after a failure. */
export async function serviceOfThisProcess(): Promise<Service> {
  ofThisProcess ??= open()
  try {
    return await ofThisProcess
  } catch (error) {
    ofThisProcess = undefined
    throw error
  }
}

async function open(): Promise<Service> {
  const log: Log = jsonLog(
    (line) => void process.stdout.write(line),
    () => systemClock.now(),
  )
  return await assembleService(await loadSettings(), { log })
}
