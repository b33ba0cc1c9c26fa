/** A numbered, delayed `settle-run` message: the run's pulse. Sent twice, the one that is claimed first goes on and the other is dropped. */
import { SETTLE_TICK_SECONDS } from '../limits.ts'
import { encodeMessage } from '../messages.ts'
import type { Service } from './service.ts'

export async function sendTick(service: Service, run: string, tick: number): Promise<void> {
  const body = encodeMessage({ v: 1, kind: 'settle-run', run, tick })
  await service.platform.queues.queue('settle-run').send([{ body, delaySeconds: SETTLE_TICK_SECONDS }])
}
