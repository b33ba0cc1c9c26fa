/** Every slice that any run ever had: names are not in the store's keys, so they come from the runs' sealed lists. */
import type { SliceName } from '../resources/slice.ts'
import { runIdsNewestFirst } from '../runs/run-index.ts'
import { findRun, runSlices } from '../runs/run-log.ts'
import type { RunRecords } from '../runs/run.ts'

/** Each once; those of the newest run first. Reads one list per distinct set of slices. With `onBroken` runs that cannot be read are told and passed over. */
export async function* knownSlices(
  records: RunRecords,
  now: Date,
  onBroken?: (run: string, error: unknown) => void,
): AsyncGenerator<SliceName> {
  const lists = new Set<string>()
  const seen = new Set<SliceName>()
  for await (const id of runIdsNewestFirst(records, now)) {
    try {
      const run = await findRun(records, id)
      if (run === undefined || lists.has(run.slicesDigest)) continue
      for await (const { slice } of runSlices(records, run)) {
        if (seen.has(slice)) continue
        seen.add(slice)
        yield slice
      }
      // Only now: of a list that cannot be read, another run may have the same.
      lists.add(run.slicesDigest)
    } catch (error) {
      if (onBroken === undefined) throw error
      onBroken(id, error)
    }
  }
}
