/**
 * Settings → a service: platform, deployment, components, limits and the alarm, put together in one place for functions, command line and the service on one
 * machine. Use cases are given the result and never come here.
 */
import type { Service } from './backup/service.ts'
import { createComponents } from './components/registry.ts'
import { FUNCTION_TIMEOUT_MS, VISIBILITY_FACTOR } from './limits.ts'
import { isOnLambda, keptService } from './assemble-invocation.ts'
import type { Invoke } from './assemble-invocation.ts'
import { chunkThreads } from './chunk-threads.ts'
import type { Log } from './log.ts'
import { runAlarmCommand } from './platform/alarm-command.ts'
import { assemblePlatform } from './platform/assemble.ts'
import type { AssembleOptions } from './platform/assemble.ts'
import { silentMetrics } from './platform/metrics.ts'
import type { Metrics } from './platform/metrics.ts'
import { openDeployment } from './repository/deployment-repository.ts'
import { loadSettings } from './load-settings.ts'
import type { Settings } from './settings.ts'

/**
 * Opens everything; close components and platform when done. With settings whose sources were not resolved, a service without components: for looking at runs.
 * @throws TorikiError what the platform's assembly and the deployment's opening throw (`deployment-missing`, `keyring-missing`, …); nothing stays open then.
 */
export async function assembleService(
  settings: Settings,
  options: AssembleOptions & {
    readonly metrics?: Metrics
    /** Are the messages that keep the store in order worked on here, or by functions beside? Then a run's end sends them. */
    readonly keepsInOrder?: boolean
  },
): Promise<Service> {
  const threads = chunkThreads()
  const platform = { ...(await assemblePlatform(settings, options)), threads }
  try {
    const repository = await openDeployment(platform, { name: settings.deployment })
    const { parallel, attempts, shrink } = settings.limits
    const { rpoMs } = settings.alarms
    const telling = await openAlarms(settings, options.log)
    return {
      platform: {
        ...platform,
        async close() {
          telling.close()
          await threads.close()
          await platform.close()
        },
      },
      repository,
      components: await createComponents(settings, platform),
      limits: {
        parallel,
        attempts,
        shrink,
        visibilityMs: FUNCTION_TIMEOUT_MS * VISIBILITY_FACTOR,
        ...(rpoMs === undefined ? {} : { rpoMs }),
      },
      metrics: options.metrics ?? silentMetrics,
      ...(options.keepsInOrder === true && settings.retention !== undefined ? { retention: settings.retention } : {}),
      alarm: telling.alarm,
    }
  } catch (error) {
    await platform.close()
    throw error
  }
}

/** Every alarm is a line in the log, and goes to the command and to the topic that the settings name. */
async function openAlarms(
  { alarms: { command, topic } }: Settings,
  log: Log,
): Promise<Pick<Service, 'alarm'> & { readonly close: () => void }> {
  const sns =
    topic === undefined
      ? undefined
      : new (await import('./platform/alarm-topic/aws.ts')).AlarmTopic({ arn: topic, log })
  return {
    async alarm(alarm) {
      const isGrave = alarm.alarm === 'no-backup' || alarm.alarm === 'rpo' || alarm.outcome === 'failed'
      log.write(isGrave ? 'error' : 'warn', 'alarm', { alarm: alarm.alarm, run: alarm.run, outcome: alarm.outcome })
      await Promise.all([
        command === undefined ? undefined : runAlarmCommand(command, alarm, log),
        sns?.publish(`Toriki ${alarm.deployment}: ${alarm.alarm}`, alarm),
      ])
    },
    close: () => sns?.close(),
  }
}

/** What a function works on: runs' records alone, or also the sources, for which their secrets are needed. */
type Extent = 'records' | 'sources'

const opened: Readonly<Record<Extent, Invoke<Service>>> = {
  records: keptService((log) => open('platform', log)),
  sources: keptService((log) => open('all', log)),
}

/** One invocation of a function: with the service of this process. Figures are handed over at the end also when it throws. */
export async function invoked<T>(
  invocation: object,
  extent: Extent,
  handle: (service: Service) => Promise<T>,
): Promise<T> {
  return await opened[extent](invocation, async (service) => {
    try {
      return await handle(service)
    } finally {
      service.metrics.flush()
    }
  })
}

async function open(resolve: 'all' | 'platform', log: Log): Promise<Service> {
  const settings = await loadSettings({ resolve })
  return await assembleService(settings, { log, metrics: await openMetrics(settings.deployment), keepsInOrder: true })
}

async function openMetrics(deployment: string): Promise<Metrics> {
  return isOnLambda() ? (await import('./platform/lambda/metrics.ts')).lambdaMetrics(deployment) : silentMetrics
}
