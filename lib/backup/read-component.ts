/** One component of one slice on its way into a capture: what it is asked, and what is told meanwhile. */
import type { Component, ReadContext } from '../components/component.ts'
import { TorikiError } from '../errors.ts'
import { Notes } from '../repository/notes.ts'
import type { Capture, StoreOptions } from '../repository/repository.ts'
import type { ResourceKey } from '../resources/key.ts'
import type { Resource } from '../resources/resource.ts'
import type { Slice } from '../resources/slice.ts'
import type { Service } from './service.ts'

/** What this delivery did, as last told by the repository: figures for people, a few MiB behind. */
export interface Progress {
  /** Resources that were read in whole. */
  taken: number
  bytesRead: number
  bytesStored: number
}

export interface Reading {
  readonly resources: AsyncIterable<Some>
  readonly options: StoreOptions
}

/** Nothing is read before `resources` is asked. @throws TorikiError what the component's `source` throws. */
export async function readComponent(
  service: Service,
  capture: Capture,
  component: Component,
  slice: Slice,
  how: {
    readonly signal: AbortSignal
    readonly progress: Progress
    /** Who the slice's person is. */
    readonly person: string | undefined
    /** Only behind this key, and up to that one. */
    readonly after?: ResourceKey | undefined
    readonly until?: ResourceKey | undefined
  },
): Promise<Reading> {
  const { clock } = service.platform
  const { signal, progress, person, after, until } = how
  const notes = new Notes()
  const source = await component.source?.(slice, { clock, signal })
  const before = progress.bytesRead
  const known = capture.known(component.name)
  const reading = capture.reading({ isKnown: known !== undefined })
  const context: ReadContext = {
    clock,
    signal,
    ...(known === undefined ? {} : { known }),
    ...(reading === undefined ? {} : { reading }),
    ...(after === undefined ? {} : { after }),
    ...(until === undefined ? {} : { until }),
    note: (note) => notes.add(note),
  }
  const resources = component.readBatches?.(slice, context) ?? component.read(slice, context)
  return {
    resources: counting(slice.kind === 'user' ? ofOne(component, resources, person) : resources, progress),
    options: {
      isContainer: component.isContainer === undefined ? undefined : (key) => component.isContainer?.(key) === true,
      ...(source === undefined ? {} : { source }),
      notes,
      onProgress(now) {
        progress.bytesRead = before + now.bytesRead
        progress.bytesStored = now.bytesStored
        service.observer?.bytes(slice.name, progress.bytesRead, now.bytesStored)
      },
    },
  }
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
