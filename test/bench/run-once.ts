/**
 * One backup of a prepared deployment in this process, measured; prints one JSON line. Started by `identity.ts`, so that peak memory is that of one run.
 * Arguments: settings file.
 */
import { once } from 'node:events'
import { createComponents } from '../../lib/components/registry.ts'
import { runReport } from '../../lib/backup/run-report.ts'
import type { Service } from '../../lib/backup/service.ts'
import { settleRun } from '../../lib/backup/settle-run.ts'
import { startRun } from '../../lib/backup/start-run.ts'
import { embeddedHost } from '../../lib/embedded/worker-host.ts'
import { silentLog } from '../../lib/log.ts'
import { assemblePlatform } from '../../lib/platform/assemble.ts'
import { recordKeyService } from '../../lib/platform/key-service/record.ts'
import { recordObjectStore } from '../../lib/platform/object-store/record.ts'
import { silentMetrics } from '../../lib/platform/metrics.ts'
import { openDeployment } from '../../lib/repository/deployment-repository.ts'
import { loadSettings } from '../../lib/load-settings.ts'

export interface RunMeasure {
  readonly slices: number
  readonly outcome: string
  readonly seconds: number
  readonly cpuSeconds: number
  readonly peakMiB: number
  readonly create: number
  readonly get: number
  readonly list: number
  readonly keyCalls: number
  readonly bytesSent: number
}

if (import.meta.main) process.stdout.write(`${JSON.stringify(await measure(process.argv[2] ?? ''))}\n`)

async function measure(file: string): Promise<RunMeasure> {
  const settings = await loadSettings({ file })
  const bare = await assemblePlatform(settings, { log: silentLog })
  const store = recordObjectStore(bare.store)
  const keys = recordKeyService(bare.keys)
  const platform = { ...bare, store, keyStore: store, keys }
  const service: Service = {
    platform,
    repository: await openDeployment(platform, { name: settings.deployment }),
    components: await createComponents(settings, platform),
    limits: { ...settings.limits, visibilityMs: 3_600_000 },
    metrics: silentMetrics,
    alarm: async () => undefined,
  }
  store.reset()
  const began = performance.now()
  const cpu = process.cpuUsage()
  const never = new AbortController().signal
  const { run } = await startRun(service, {}, { signal: never })
  let done = 0
  const total = (await runReport(service, run)).slices.total
  const all = new EventTarget()
  const watched: Service = {
    ...service,
    observer: { bytes: () => undefined, ended: () => void (++done === total && all.dispatchEvent(new Event('all'))) },
  }
  const workers = await embeddedHost().startWorkers(watched)
  if (done < total) await once(all, 'all')
  await settleRun(service, { run })
  const seconds = (performance.now() - began) / 1000
  const { user, system } = process.cpuUsage(cpu)
  const requests = { ...store.record }
  const { outcome, slices } = await runReport(service, run)
  await workers.stop()
  for (const component of service.components) await component.close()
  await platform.close()
  return {
    slices: slices.total,
    outcome,
    seconds,
    cpuSeconds: (user + system) / 1e6,
    peakMiB: process.resourceUsage().maxRSS / 1024,
    create: requests.create,
    get: requests.get,
    list: requests.list,
    keyCalls: keys.record.wrap + keys.record.unwrap,
    bytesSent: requests.bytesSent,
  }
}
