/** One `backup-slice` message per slice, `shared` before the others. */
import { encodeMessage } from '../messages.ts'
import type { SliceName } from '../resources/slice.ts'
import type { RunRecord } from '../runs/run.ts'
import type { Service } from './service.ts'

/** Messages handed to the queue at once. */
const SEND_MAX = 500

export async function sendSlices(
  service: Service,
  run: Pick<RunRecord, 'run' | 'selection'>,
  slices: readonly SliceName[],
): Promise<void> {
  const queue = service.platform.queues.queue('backup-slice')
  const ordered = [...slices.filter((slice) => slice === 'shared'), ...slices.filter((slice) => slice !== 'shared')]
  const components = run.selection?.components
  const narrowed = components === undefined ? {} : { components: [...components] }
  for (let at = 0; at < ordered.length; at += SEND_MAX) {
    const bodies = ordered
      .slice(at, at + SEND_MAX)
      .map((slice) => encodeMessage({ v: 1, kind: 'backup-slice', run: run.run, slice, ...narrowed }))
    await queue.send(bodies.map((body) => ({ body })))
  }
}
