/**
 * Reads one slice, component by component, and commits what was read as one snapshot. A component that fails leaves the others saved; components that an
 * earlier attempt of this run stored are not read again. Where the time ends first, what was read is kept as a checkpoint.
 */
import type { Component } from '../components/component.ts'
import { isTorikiError } from '../errors.ts'
import type { Capture, CaptureOptions, CommitResult, OpenSliceOptions } from '../repository/repository.ts'
import type { ComponentRecord, MissingComponent } from '../repository/snapshot.ts'
import type { ComponentName } from '../resources/component-name.ts'
import type { Slice } from '../resources/slice.ts'
import type { RunRecord } from '../runs/run.ts'
import { failedBy, logFailure } from './cause.ts'
import type { Failed } from './cause.ts'
import { divide, isSameRead, rangesWanted, whatIsRead } from './divide.ts'
import type { ReadingTime } from './divide.ts'
import { readComponent } from './read-component.ts'
import type { Progress } from './read-component.ts'
import { readRange } from './read-range.ts'
import type { PlanGone } from './read-range.ts'
import type { Service } from './service.ts'
import { suspicionOf } from './suspicion.ts'

export interface CaptureSliceOptions {
  /** What the message asks for; the run's components when absent. */
  readonly components?: readonly ComponentName[] | undefined
  readonly part: number
  /** One range of what an earlier part divided. */
  readonly range: CaptureOptions['range']
  /** What tells how much one function can read. */
  readonly time: ReadingTime
  /** May a component be divided, or what is divided be waited for? */
  readonly divides: boolean
  readonly signal: AbortSignal
  /** The run's doubts about whole sources were accepted by a person. */
  readonly sourcesAccepted: boolean
  /** Asked before each component: a cancelled run stops here. */
  readonly isCancelled: () => Promise<boolean>
  /** Before much is uploaded. @throws TorikiError `slice-taken` when another delivery of the same message does that already. */
  readonly claim: () => Promise<void>
  /** The cause that is recorded of a component that was not stored; asked where another delivery read it. */
  readonly recordedCause: (component: ComponentName) => Promise<string | undefined>
}

export type SliceCapture =
  /** A snapshot of this run speaks for the slice; `failed` says what it does not hold. */
  | {
      readonly kind: 'stored'
      readonly commit: CommitResult
      readonly generation: number
      readonly failed: readonly Failed[]
    }
  /** Nothing could be stored. */
  | { readonly kind: 'nothing'; readonly failed: readonly Failed[] }
  /** No component knows this person or group any more. */
  | { readonly kind: 'gone' }
  /** The time ended: a checkpoint holds what was read (`lost`: another attempt's does), or nothing had been read yet. */
  | { readonly kind: 'out-of-time'; readonly checkpoint: 'kept' | 'lost' | 'no-progress'; readonly progress: Progress }
  | { readonly kind: 'cancelled' }
  /** The rest of a component is for several functions at once: these ranges of it are to be read. `lost`: another attempt planned something else. */
  | {
      readonly kind: 'divided'
      readonly ranges: readonly number[]
      readonly checkpoint: 'kept' | 'lost'
      readonly failed: readonly Failed[]
      readonly progress: Progress
    }
  /** One range is read to its end. `areAll`: so are the others, as far as one can see. */
  | { readonly kind: 'range-read'; readonly areAll: boolean; readonly isNew: boolean; readonly progress: Progress }
  | PlanGone

/** Against a prune that goes past it, a capture starts over this often in one attempt. */
const STALE_RESTARTS_MAX = 3

/** @throws TorikiError what opening the repository or committing throws; components' errors are in the answer. */
export async function captureSlice(
  service: Service,
  run: RunRecord,
  slice: Slice,
  options: CaptureSliceOptions,
): Promise<SliceCapture> {
  for (let restart = 0; ; restart++) {
    try {
      return await captureOnce(service, run, slice, options)
    } catch (error) {
      const isStale = isTorikiError(error, 'capture-stale') || isTorikiError(error, 'person-changed')
      if (!isStale || restart >= STALE_RESTARTS_MAX) throw error
      logFailure(service.platform.log, 'capture-restarted', error, { run: run.run })
    }
  }
}

async function captureOnce(
  service: Service,
  run: RunRecord,
  slice: Slice,
  options: CaptureSliceOptions,
): Promise<SliceCapture> {
  const { signal, part, range } = options
  const covering = service.components.filter((component) => component.covers(slice))
  const asked = covering.filter(
    ({ name }) => run.components.includes(name) && (options.components ?? run.components).includes(name),
  )
  const failures = new Map<ComponentName, Failed>()
  const progress: Progress = { taken: 0, bytesRead: 0, bytesStored: 0 }
  const identity = await identify(service, asked, slice, signal, failures)
  if (signal.aborted) return { kind: 'out-of-time', checkpoint: 'no-progress', progress }
  const repository = await service.repository.openSlice(slice.name, { access: 'write', identity })
  const capture = await repository.capture({ run: run.run, signal, part, beforeFullPack: options.claim, range })
  const read = new Map<ComponentName, ComponentRecord>()
  const { sliceId } = repository
  const work: Work = { service, run, slice, sliceId, options, capture, failures, progress, person: identity?.id, read }
  if (range === undefined) {
    const cut = await readAll(work, asked)
    if (cut !== undefined) return cut
  } else {
    if (await options.isCancelled()) return { kind: 'cancelled' }
    // Who it is only tells into which history it goes; what failed there is for the parts that read those components.
    failures.clear()
    const how = { run: run.run, signal, progress, person: identity?.id }
    const captured = await readRange(service, capture, asked, slice, how)
    if (captured.kind !== 'range-failed' && captured.kind !== 'range-read') return captured
    if (captured.kind === 'range-read') {
      const { ranges } = await repository.capture({ run: run.run, signal, part })
      const isMine = !ranges.unfinished.includes(range.number)
      if (captured.by === 'lost' && !isMine) return { kind: 'out-of-time', checkpoint: 'lost', progress }
      return { kind: 'range-read', areAll: ranges.unfinished.length === 0, isNew: captured.by === 'kept', progress }
    }
    failures.set(captured.component, captured.failed)
  }
  const failed = [...failures.values()]
  const finished = Object.keys(capture.finished).length
  if (read.size + finished === 0) return { kind: 'nothing', failed }
  if (finished === 0 && failed.length === 0 && slice.kind !== 'shared' && isGone(capture, read, run))
    return { kind: 'gone' }
  const missing: MissingComponent[] = []
  for (const component of covering) {
    const { name } = component
    if (read.has(name) || capture.finished[name] !== undefined) continue
    const recorded = range === undefined || !asked.includes(component) ? undefined : await options.recordedCause(name)
    missing.push({ component: name, code: failures.get(name)?.cause.code ?? recorded ?? 'not-selected' })
  }
  const commit = await capture.commit(missing)
  service.observer?.bytes(slice.name, commit.bytesRead, commit.bytesStored)
  return { kind: 'stored', commit, generation: repository.generation, failed }
}

interface Work {
  readonly service: Service
  readonly run: RunRecord
  readonly slice: Slice
  readonly sliceId: string
  readonly options: CaptureSliceOptions
  readonly capture: Capture
  readonly failures: Map<ComponentName, Failed>
  readonly progress: Progress
  readonly person: string | undefined
  /** What this delivery stored. */
  readonly read: Map<ComponentName, ComponentRecord>
}

/** Everything that is asked for, as far as one delivery comes. `undefined`: to the end. */
async function readAll(work: Work, asked: readonly Component[]): Promise<SliceCapture | undefined> {
  const { service, run, slice, options, capture, failures, progress, read } = work
  const { signal } = options
  const planned = await findPlanned(work, asked)
  const turns = asked.map((component) => ({
    component,
    ranges:
      component.name === planned || !options.divides ? 1 : rangesWanted(service, component, capture, options.time),
  }))
  // The joined one first, lest something else is all there was time for; what is to be divided last, when everything else is stored.
  const turn = ({ component, ranges }: (typeof turns)[number]): number =>
    component.name === planned ? 0 : ranges > 1 ? 2 : 1
  for (const { component, ranges } of turns.sort((a, b) => turn(a) - turn(b))) {
    const { name } = component
    if (capture.finished[name] !== undefined || failures.has(name)) continue
    if (await options.isCancelled()) return { kind: 'cancelled' }
    try {
      if (name === planned && capture.ranges.unfinished.length > 0)
        return { kind: 'divided', ranges: capture.ranges.unfinished, checkpoint: 'kept', failed: [], progress }
      const divided = ranges === 1 ? undefined : await divide(service, capture, component, slice, { signal, ranges })
      if (divided !== undefined) return { kind: 'divided', ...divided, failed: [...failures.values()], progress }
      const record = (name === planned ? await joined(work) : undefined) ?? (await storeWhole(work, component))
      const reason = suspicionOf(
        capture.trusted(name),
        record,
        options.sourcesAccepted ? undefined : run.sources[name]?.suspect,
      )
      if (reason !== undefined) capture.suspect(name, reason)
      read.set(name, record)
    } catch (error) {
      if (isTorikiError(error, 'slice-taken') || isTorikiError(error, 'person-changed')) throw error
      if (signal.aborted) {
        const began = progress.taken > 0 || read.size > 0
        return { kind: 'out-of-time', checkpoint: began ? await capture.checkpoint() : 'no-progress', progress }
      }
      // The whole capture is of no use any more: not one component's failure.
      if (isTorikiError(error, 'capture-stale')) throw error
      logFailure(service.platform.log, 'component-failed', error, {
        run: run.run,
        slice: work.sliceId,
        component: name,
      })
      failures.set(name, failedBy(error, name))
    }
  }
  return undefined
}

/** The component that an earlier part divided, unless what is there now is something else than what was divided: then it is read anew. */
async function findPlanned(
  { service, run, slice, options, capture, failures }: Work,
  asked: readonly Component[],
): Promise<ComponentName | undefined> {
  const component = asked.find(({ name }) => name === capture.ranges.component)
  if (component === undefined) return undefined
  try {
    const isUsable = options.divides || capture.ranges.unfinished.length === 0
    if (isUsable && isSameRead(capture.ranges.of, await whatIsRead(service, component, slice, options.signal)))
      return component.name
    service.platform.log.write('warn', 'ranges-passed-over', { run: run.run, component: component.name })
    capture.ranges.forget()
  } catch (error) {
    if (options.signal.aborted) return component.name
    logFailure(service.platform.log, 'component-failed', error, { run: run.run, component: component.name })
    failures.set(component.name, failedBy(error, component.name))
  }
  return undefined
}

/** `undefined`: what was read is damaged, and is read once more. */
async function joined({ service, run, capture }: Work): Promise<ComponentRecord | undefined> {
  try {
    return await capture.join()
  } catch (error) {
    if (!isTorikiError(error, 'seal-broken') && !isTorikiError(error, 'object-not-found')) throw error
    logFailure(service.platform.log, 'ranges-passed-over', error, { run: run.run })
    capture.ranges.forget()
    return undefined
  }
}

async function storeWhole(work: Work, component: Component): Promise<ComponentRecord> {
  const { service, slice, options, capture, progress, person } = work
  const after = capture.resume?.component === component.name ? capture.resume.after : undefined
  const how = { signal: options.signal, progress, person, after }
  const reading = await readComponent(service, capture, component, slice, how)
  return await capture.store(component.name, reading.resources, reading.options)
}

/** Who the person is, as the first component that can tell says. One that fails here fails as a whole: it would not be asked in vain again. */
async function identify(
  service: Service,
  components: readonly Component[],
  slice: Slice,
  signal: AbortSignal,
  failures: Map<ComponentName, Failed>,
): Promise<OpenSliceOptions['identity']> {
  for (const component of components) {
    if (component.identify === undefined) continue
    try {
      const identity = await component.identify(slice, { clock: service.platform.clock, signal })
      if (identity !== undefined) return identity
    } catch (error) {
      if (signal.aborted) return undefined
      logFailure(service.platform.log, 'component-failed', error, { component: component.name })
      failures.set(component.name, failedBy(error, component.name))
    }
  }
  return undefined
}

/** Everything answered, and nobody has anything of this member; nor is that to be doubted, for then it is kept as suspect. */
function isGone(capture: Capture, read: ReadonlyMap<ComponentName, ComponentRecord>, run: RunRecord): boolean {
  return [...read].every(([name, record]) => {
    const { source } = capture.trusted(name) ?? {}
    const sameSource =
      source === undefined || suspicionOf({ resources: 0, containers: 0, source }, record, undefined) === undefined
    return record.resources === 0 && sameSource && run.sources[name]?.suspect === undefined
  })
}
