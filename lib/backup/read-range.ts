/** One range of a component's keys, as one of several functions reads it. What it read is kept as a checkpoint of the range; the last one to end has all of them joined. */
import type { Component } from '../components/component.ts'
import { isTorikiError, TorikiError } from '../errors.ts'
import type { Capture } from '../repository/repository.ts'
import type { ComponentName } from '../resources/component-name.ts'
import type { Slice } from '../resources/slice.ts'
import { failedBy, logFailure } from './cause.ts'
import type { Failed } from './cause.ts'
import { isSameRead, whatIsRead } from './divide.ts'
import { readComponent } from './read-component.ts'
import type { Progress } from './read-component.ts'
import type { Service } from './service.ts'

export type RangeRead =
  /** It is whole, by this delivery (`kept`), another (`lost`: if that one's is) or an earlier one. */
  | { readonly kind: 'range-read'; readonly by: 'kept' | 'lost' | 'earlier' }
  | { readonly kind: 'range-failed'; readonly component: ComponentName; readonly failed: Failed }
  | { readonly kind: 'out-of-time'; readonly checkpoint: 'kept' | 'lost' | 'no-progress'; readonly progress: Progress }
  | PlanGone

/** There is no such range any more, or what is read is not what was divided: whoever divides looks again. */
export interface PlanGone {
  readonly kind: 'plan-gone'
  readonly failed: readonly Failed[]
}

/** @throws TorikiError `capture-stale`, `slice-taken`, `person-changed`; what the store throws. */
export async function readRange(
  service: Service,
  capture: Capture,
  asked: readonly Component[],
  slice: Slice,
  how: {
    readonly run: string
    readonly signal: AbortSignal
    readonly progress: Progress
    readonly person: string | undefined
  },
): Promise<RangeRead> {
  const { signal, progress } = how
  const { mine } = capture.ranges
  const component = asked.find(({ name }) => name === mine?.component)
  if (mine === undefined || component === undefined) return { kind: 'plan-gone', failed: [] }
  if (mine.isWhole) return { kind: 'range-read', by: 'earlier' }
  const { name } = component
  const isSame = async (): Promise<boolean> => isSameRead(mine.of, await whatIsRead(service, component, slice, signal))
  try {
    if (!(await isSame())) return { kind: 'plan-gone', failed: [failedBy(replaced(), name)] }
    const { resources, options } = await readComponent(service, capture, component, slice, { ...how, ...mine })
    await capture.storeRange(resources, options)
    // Between the question and the reading it may have been replaced, too.
    if (!(await isSame())) return { kind: 'plan-gone', failed: [failedBy(replaced(), name)] }
  } catch (error) {
    if (isTorikiError(error, 'slice-taken') || isTorikiError(error, 'person-changed')) throw error
    if (signal.aborted)
      return {
        kind: 'out-of-time',
        checkpoint: progress.taken > 0 ? await capture.checkpoint() : 'no-progress',
        progress,
      }
    if (isTorikiError(error, 'capture-stale')) throw error
    logFailure(service.platform.log, 'component-failed', error, { run: how.run, component: name })
    return { kind: 'range-failed', component: name, failed: failedBy(error, name) }
  }
  return { kind: 'range-read', by: await capture.checkpoint() }
}

function replaced(): TorikiError {
  return new TorikiError('read-failed', {
    message: 'The directory was replaced while several functions read it, each a part.',
  })
}
