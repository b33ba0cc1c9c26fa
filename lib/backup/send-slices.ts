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
  /** Of slices that are sent again: the number of the replay. */
  replays: ReadonlyMap<SliceName, number> = new Map(),
): Promise<void> {
  const queue = service.platform.queues.queue('backup-slice')
  const ordered = [...slices.filter((slice) => slice === 'shared'), ...slices.filter((slice) => slice !== 'shared')]
  const components = run.selection?.components
  const narrowed = components === undefined ? {} : { components: [...components] }
  for (let at = 0; at < ordered.length; at += SEND_MAX) {
    const bodies = ordered.slice(at, at + SEND_MAX).map((slice) => {
      const replay = replays.get(slice)
      const again = replay === undefined ? {} : { replay }
      return encodeMessage({ v: 1, kind: 'backup-slice', run: run.run, slice, ...narrowed, ...again })
    })
    await queue.send(bodies.map((body) => ({ body })))
  }
}
