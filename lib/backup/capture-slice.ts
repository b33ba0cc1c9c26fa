/**
 * Reads one slice, component by component, and commits what was read as one snapshot. A component that fails leaves the others saved; components that an
 * earlier attempt of this run stored are not read again. Where the time ends first, what was read is kept as a checkpoint.
 */
import type { Component, ReadContext } from '../components/component.ts'
import { isTorikiError, TorikiError } from '../errors.ts'
import type { Capture, CommitResult, OpenSliceOptions } from '../repository/repository.ts'
import { Notes } from '../repository/notes.ts'
import type { ComponentRecord, MissingComponent } from '../repository/snapshot.ts'
import type { ComponentName } from '../resources/component-name.ts'
import type { Resource } from '../resources/resource.ts'
import type { Slice } from '../resources/slice.ts'
import type { RunRecord } from '../runs/run.ts'
import { failedBy, logFailure } from './cause.ts'
import type { Failed } from './cause.ts'
import type { Service } from './service.ts'
import { suspicionOf } from './suspicion.ts'

export interface CaptureSliceOptions {
  /** What the message asks for; the run's components when absent. */
  readonly components?: readonly ComponentName[] | undefined
  readonly part: number
  readonly signal: AbortSignal
  /** The run's doubts about whole sources were accepted by a person. */
  readonly sourcesAccepted: boolean
  /** Asked before each component: a cancelled run stops here. */
  readonly isCancelled: () => Promise<boolean>
  /** Before much is uploaded. @throws TorikiError `slice-taken` when another delivery of the same message does that already. */
  readonly claim: () => Promise<void>
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

/** What this delivery did, as last told by the repository: figures for people, a few MiB behind. */
interface Progress {
  /** Resources that were read in whole. */
  taken: number
  bytesRead: number
  bytesStored: number
}

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
  const { signal } = options
  const covering = service.components.filter((component) => component.covers(slice))
  const asked = covering.filter(
    ({ name }) => run.components.includes(name) && (options.components ?? run.components).includes(name),
  )
  const failures = new Map<ComponentName, Failed>()
  const progress: Progress = { taken: 0, bytesRead: 0, bytesStored: 0 }
  const identity = await identify(service, asked, slice, signal, failures)
  if (signal.aborted) return { kind: 'out-of-time', checkpoint: 'no-progress', progress }
  const repository = await service.repository.openSlice(slice.name, { access: 'write', identity })
  const { part, claim } = options
  const capture = await repository.capture({ run: run.run, signal, part, beforeFullPack: claim })
  const read = new Map<ComponentName, ComponentRecord>()
  for (const component of asked) {
    const { name } = component
    if (capture.finished[name] !== undefined || failures.has(name)) continue
    if (await options.isCancelled()) return { kind: 'cancelled' }
    try {
      const record = await storeComponent(service, capture, component, slice, signal, progress, identity?.id)
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
        slice: repository.sliceId,
        component: name,
      })
      failures.set(name, failedBy(error, name))
    }
  }
  const failed = [...failures.values()]
  const finished = Object.keys(capture.finished).length
  if (read.size + finished === 0) return { kind: 'nothing', failed }
  if (finished === 0 && failed.length === 0 && slice.kind !== 'shared' && isGone(capture, read, run))
    return { kind: 'gone' }
  const missing: MissingComponent[] = []
  for (const { name } of covering) {
    const failure = failures.get(name)
    if (failure !== undefined) missing.push({ component: name, code: failure.cause.code })
    else if (!read.has(name) && capture.finished[name] === undefined)
      missing.push({ component: name, code: 'not-selected' })
  }
  const commit = await capture.commit(missing)
  service.observer?.bytes(slice.name, commit.bytesRead, commit.bytesStored)
  return { kind: 'stored', commit, generation: repository.generation, failed }
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

async function storeComponent(
  service: Service,
  capture: Capture,
  component: Component,
  slice: Slice,
  signal: AbortSignal,
  progress: Progress,
  person: string | undefined,
): Promise<ComponentRecord> {
  const { clock } = service.platform
  const notes = new Notes()
  const source = await component.source?.(slice, { clock, signal })
  const after = capture.resume?.component === component.name ? capture.resume.after : undefined
  const before = progress.bytesRead
  const known = capture.known(component.name)
  const reading = capture.reading()
  const context: ReadContext = {
    clock,
    signal,
    ...(known === undefined ? {} : { known }),
    ...(reading === undefined ? {} : { reading }),
    ...(after === undefined ? {} : { after }),
    note: (note) => notes.add(note),
  }
  const resources = component.readBatches?.(slice, context) ?? component.read(slice, context)
  return await capture.store(
    component.name,
    counting(slice.kind === 'user' ? ofOne(component, resources, person) : resources, progress),
    {
      isContainer: component.isContainer === undefined ? undefined : (key) => component.isContainer?.(key) === true,
      ...(source === undefined ? {} : { source }),
      notes,
      onProgress(now) {
        progress.bytesRead = before + now.bytesRead
        progress.bytesStored = now.bytesStored
        service.observer?.bytes(slice.name, progress.bytesRead, now.bytesStored)
      },
    },
  )
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

/**
 * A name may be handed on between the question who it is and the reading: then what is read belongs into another history, and the slice is begun anew.
 * @throws TorikiError `person-changed`.
 */
async function* ofOne(
  component: Component,
  resources: AsyncIterable<Some>,
  person: string | undefined,
): AsyncGenerator<Some> {
  if (component.identityOf === undefined) {
    yield* resources
    return
  }
  for await (const some of resources) {
    for (const resource of several(some)) {
      const read = component.identityOf(resource)
      if (read !== undefined && read !== person) throw new TorikiError('person-changed')
    }
    yield some
  }
}

/** Counts what was taken in whole: only then does a checkpoint have something to go on from. */
async function* counting(resources: AsyncIterable<Some>, progress: Progress): AsyncGenerator<Some> {
  for await (const some of resources) {
    yield some
    progress.taken += several(some).length
  }
}

/** As a component gives them: one, or a batch. */
type Some = Resource | readonly Resource[]

function several(some: Some): readonly Resource[] {
  return Array.isArray(some) ? (some as readonly Resource[]) : [some as Resource]
}
