/** Every slice that any run ever had: names are not in the store's keys, so they come from the runs' sealed lists. */
import type { SliceName } from '../resources/slice.ts'
import { runIdsNewestFirst } from '../runs/run-index.ts'
import { findRun, runSlices } from '../runs/run-log.ts'
import type { RunRecords } from '../runs/run.ts'

/** Each once; those of the newest run first. Reads one list per distinct set of slices. */
export async function* knownSlices(records: RunRecords, now: Date): AsyncGenerator<SliceName> {
  const lists = new Set<string>()
  const seen = new Set<SliceName>()
  for await (const id of runIdsNewestFirst(records, now)) {
    const run = await findRun(records, id)
    if (run === undefined || lists.has(run.slicesDigest)) continue
    lists.add(run.slicesDigest)
    for await (const { slice } of runSlices(records, run)) {
      if (seen.has(slice)) continue
      seen.add(slice)
      yield slice
    }
  }
}
