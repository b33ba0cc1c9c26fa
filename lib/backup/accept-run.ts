/**
 * A person says that what looked emptied is the truth: marks the run's suspect snapshots as believed, and, when none is left, the run's listings of members,
 * so that later runs compare with them. Done twice it changes nothing more.
 */
import { parseSegment } from '../resources/key.ts'
import { userSlice } from '../resources/slice.ts'
import type { SliceName } from '../resources/slice.ts'
import { appendEvent } from '../runs/event-log.ts'
import { readRun, recordSourcesAccepted } from '../runs/run-log.ts'
import { sliceStates } from '../runs/slice-states.ts'
import type { Service } from './service.ts'
import { settleRun } from './settle-run.ts'

export interface AcceptRequest {
  readonly run: string
  /** Only these people's; absent: all of the run. */
  readonly users?: readonly string[]
}

export interface Accepted {
  readonly run: string
  /** Slices whose snapshot is believed from now on. */
  readonly accepted: readonly SliceName[]
  /** Are the run's doubtful listings of members believed too? */
  readonly sources: boolean
}

/** @throws TorikiError `run-not-found`. A run in which nothing is suspect is not an error. */
export async function acceptRun(service: Service, { run: id, users }: AcceptRequest): Promise<Accepted> {
  const { records } = service.repository
  const run = await readRun(records, id)
  const wanted =
    users === undefined ? undefined : new Set<SliceName>(users.map((user) => userSlice(parseSegment(user)).name))
  const accepted: SliceName[] = []
  let left = 0
  for await (const {
    slice: { slice, sliceId },
    fold,
  } of sliceStates(records, run)) {
    if (fold.suspect.length === 0 || fold.snapshot === undefined) continue
    if (wanted !== undefined && !wanted.has(slice)) {
      left++
      continue
    }
    const repository = await service.repository.openSlice(slice, {
      access: 'write',
      generation: fold.snapshot.generation,
    })
    await repository.accept(fold.snapshot.id)
    await appendEvent(
      records,
      { run: id, sliceId, from: fold.highest + 1, once: true },
      {
        slice,
        event: 'accepted',
        at: service.platform.clock.now().toISOString(),
        attempt: 0,
        snapshot: fold.snapshot.id,
      },
    )
    accepted.push(slice)
  }
  const sources = left === 0 && Object.values(run.sources).some(({ suspect }) => suspect !== undefined)
  if (sources) await recordSourcesAccepted(records, id, service.platform.clock.now())
  await settleRun(service, { run: id })
  return { run: id, accepted, sources }
}
