/**
 * When a component of a slice is more than one function can read, the rest of it is divided into ranges of keys that several read at once; who is last has them joined
 * (docs/decisions/0016). What is known tells when: how much the newest snapshot holds, and how much a function read whose time has ended.
 */
import type { Component } from '../components/component.ts'
import type { Capture } from '../repository/repository.ts'
import type { JsonObject } from '../resources/json.ts'
import { canonicalJson } from '../resources/json.ts'
import type { ResourceKey } from '../resources/key.ts'
import type { Slice } from '../resources/slice.ts'
import type { ReadingPace, Service } from './service.ts'

/** What tells how much one delivery can read. */
export interface ReadingTime {
  /** Until the host ends it; `undefined`: nobody does. */
  readonly remainingMs?: number | undefined
  /** How many deliveries read what there is of the component, and the last one's time ended before its work. */
  readonly endedLate: number
}

/** Low: a first night on a slow network file system. */
const PACE: ReadingPace = { msPerResource: 0.5, bytesPerSecond: 50 * 1024 * 1024 }
/** What would fill more of its time than this is divided. */
const SHARE_OF_TIME = 0.5
/** More at once would wear out the file system; and each costs a message and a checkpoint. */
const RANGES_MAX = 16
/** Where a function's time has ended and nobody knows how much there is. */
const RANGES_UNKNOWN = 8

/** How many ranges the rest of a component is worth; 1: it is not divided. */
export function rangesWanted(
  service: Pick<Service, 'readingPace'>,
  component: Component,
  capture: Pick<Capture, 'ranges'>,
  { remainingMs, endedLate }: ReadingTime,
): number {
  if (component.ranges === undefined) return 1
  const { msPerResource, bytesPerSecond } = service.readingPace ?? PACE
  const { before, now = { resources: 0, bytes: 0 } } = capture.ranges.stored(component.name)
  const rest = before && {
    resources: Math.max(0, before.resources - now.resources),
    bytes: Math.max(0, before.bytes - now.bytes),
  }
  const reckoned =
    rest === undefined || remainingMs === undefined
      ? 1
      : (rest.resources * msPerResource + (rest.bytes / bytesPerSecond) * 1000) / (remainingMs * SHARE_OF_TIME)
  const each = { resources: now.resources / endedLate, bytes: now.bytes / endedLate }
  const seen =
    endedLate === 0 || now.resources === 0
      ? 1
      : rest === undefined
        ? RANGES_UNKNOWN
        : Math.max(rest.resources / each.resources, each.bytes === 0 ? 0 : rest.bytes / each.bytes)
  return Math.min(RANGES_MAX, Math.max(1, Math.ceil(reckoned), Math.ceil(seen)))
}

/** What is read of the slice: ranges of another directory, or of another volume, do not join. `undefined`: nothing is there. @throws what the component throws. */
export async function whatIsRead(
  service: Pick<Service, 'platform'>,
  component: Component,
  slice: Slice,
  signal: AbortSignal,
): Promise<JsonObject | undefined> {
  const context = { clock: service.platform.clock, signal }
  const is = await component.ranges?.identify(slice, context)
  if (is === undefined) return undefined
  const source = await component.source?.(slice, context)
  return { is, ...(source && { source }) }
}

export function isSameRead(one: JsonObject | undefined, other: JsonObject | undefined): boolean {
  return one !== undefined && other !== undefined && canonicalJson(one) === canonicalJson(other)
}

/** Plans ranges of the component and keeps the plan. `undefined`: it cannot be cut. @throws what the component and the store throw. */
export async function divide(
  service: Pick<Service, 'platform'>,
  capture: Capture,
  component: Component,
  slice: Slice,
  options: { readonly signal: AbortSignal; readonly ranges: number },
): Promise<{ readonly ranges: readonly number[]; readonly checkpoint: 'kept' | 'lost' } | undefined> {
  const { signal, ranges } = options
  const of = await whatIsRead(service, component, slice, signal)
  if (of === undefined) return undefined
  let borders = await capture.ranges.borders(component.name, ranges)
  if (borders.length === 0) {
    const keys: ResourceKey[] = []
    const context = { clock: service.platform.clock, signal }
    for await (const key of component.ranges?.borders(slice, context) ?? []) keys.push(key)
    borders = capture.ranges.bordersAmong(component.name, ranges, keys)
  }
  if (borders.length === 0) return undefined
  const checkpoint = await capture.divide(component.name, of, borders)
  return { ranges: capture.ranges.unfinished, checkpoint }
}
