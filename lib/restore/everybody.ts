/** Everybody who is stored: the slices of the newest full run that is to be believed, or of the newest that was there at a time, people included who left since. */
import { TorikiError } from '../errors.ts'
import { policyOfRunId } from '../runs/run-id.ts'
import { runIdsNewestFirst } from '../runs/run-index.ts'
import { areSourcesAccepted, findRun, runSlices } from '../runs/run-log.ts'
import type { RunRecord } from '../runs/run.ts'
import type { SliceName } from '../resources/slice.ts'
import type { RestoreService } from './service.ts'

/** In no promised order. @throws TorikiError `run-not-found` when there was no such run. */
export async function* everybody(
  { repository: { records }, platform }: Pick<RestoreService, 'repository' | 'platform'>,
  until: Date | undefined,
): AsyncGenerator<SliceName> {
  for await (const id of runIdsNewestFirst(records, platform.clock.now())) {
    const run = policyOfRunId(id) === 'full' ? await findRun(records, id) : undefined
    if (run === undefined || (until !== undefined && Date.parse(run.startedAt) > until.getTime())) continue
    // A listing that lost a fifth of its people is not believed: the run before it knows who there is.
    if (isSuspect(run) && !(await areSourcesAccepted(records, id))) continue
    for await (const { slice } of runSlices(records, run)) yield slice
    return
  }
  throw new TorikiError('run-not-found', {
    message:
      until === undefined
        ? 'There was no full backup yet that is to be believed, so nobody knows who everybody is.'
        : 'There was no full backup by that time that is to be believed, so nobody knows who everybody was.',
    remedy: 'Name people, groups or shared state; or accept a suspect run with `toriki accept RUN`.',
  })
}

function isSuspect({ sources }: RunRecord): boolean {
  return Object.values(sources).some(({ suspect }) => suspect !== undefined)
}
