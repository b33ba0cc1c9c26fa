/** One slice of a restore, while it is worked on: its plan, what the plan touches, and how that is read live. */
import { TorikiError } from '../errors.ts'
import type { WriteContext, WriteOptions } from '../components/writer.ts'
import { compareKeys, formatKey } from '../resources/key.ts'
import type { ResourceKey } from '../resources/key.ts'
import type { ComponentName } from '../resources/component-name.ts'
import type { Resource } from '../resources/resource.ts'
import type { Slice } from '../resources/slice.ts'
import type { Look, LookRequest } from './live-look.ts'
import { isSamePrint, printOf } from './resource-print.ts'
import type { ResourcePrint } from './resource-print.ts'
import type { RestoreService } from './service.ts'
import type { Finding } from './slice-log.ts'
import { planItems } from './slice-plan.ts'
import type { PlanItem, SlicePlan } from './slice-plan.ts'

export interface SliceDelivery {
  readonly restore: string
  readonly sliceId: string
  readonly options: WriteOptions
  /** 1 on the first delivery. */
  readonly attempt: number
  readonly signal: AbortSignal
}

/** What of the plan is worked on: the slice, and where its steps stand. */
export interface SliceWork {
  readonly service: RestoreService
  readonly delivery: SliceDelivery
  readonly plan: SlicePlan
  readonly slice: Slice
  readonly context: WriteContext
}

/** Everything that the plan touches, read live. */
export function lookRequest(work: SliceWork): LookRequest {
  const { plan, slice, context } = work
  const names = work.service.writers.map(({ name }) => name).filter((name) => plan.snapshots[name] !== undefined)
  return {
    slice,
    generation: plan.generation,
    components: names,
    read: (name) => readTouched(work, name),
    signal: context.signal,
  }
}

async function* readTouched(work: SliceWork, name: ComponentName): AsyncGenerator<Resource> {
  const keys: ResourceKey[] = []
  for await (const item of touchedItems(work)) if (item.component === name) keys.push(keyOf(item))
  keys.sort(compareKeys)
  yield* writerOf(work, name).look(work.slice, ascending(keys), work.context)
}

async function* ascending(keys: readonly ResourceKey[]): AsyncGenerator<ResourceKey> {
  yield* keys
}

/** In the order of applying; without what cannot be made or is left. */
export async function* touchedItems({ service, delivery }: SliceWork): AsyncGenerator<PlanItem> {
  for await (const item of planItems(service.repository.records, delivery))
    if (item.action !== 'cannot' && item.action !== 'left') yield item
}

export function keyOf({ key }: PlanItem): ResourceKey {
  return Buffer.from(key, 'base64url')
}

export function writerOf({ service }: SliceWork, name: ComponentName): RestoreService['writers'][number] {
  const writer = service.writers.find((one) => one.name === name)
  if (writer === undefined)
    throw new TorikiError('settings-invalid', {
      message: `The plan restores ${name}, which is not configured for restoring here.`,
    })
  return writer
}

/** Touched resources that are not as expected, in plan order. */
export async function differences(
  work: SliceWork,
  { repository, snapshot }: Look,
  expected: (item: PlanItem) => ResourcePrint | undefined,
  isMeant: (item: PlanItem) => boolean = () => true,
): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  for await (const item of touchedItems(work)) {
    if (!isMeant(item)) continue
    const key = keyOf(item)
    const found = snapshot.components[item.component] && (await repository.resource(snapshot, item.component, key))
    const print = found && (await printOf(repository, found))
    if (isSamePrint(print, expected(item))) continue
    findings.push({ component: item.component, key: formatKey(key), what: whatDiffers(expected(item), print) })
  }
  return findings
}

export function whatDiffers(expected: ResourcePrint | undefined, found: ResourcePrint | undefined): string {
  if (found === undefined) return 'is not there'
  if (expected === undefined) return 'is there, and should not be'
  if (expected.state !== found.state) return 'differs'
  return expected.content === found.content ? 'has another secret' : 'has another content'
}
