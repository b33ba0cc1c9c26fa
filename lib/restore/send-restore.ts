/** What begins, and goes on with, a restore that is worked on by messages. A message says who and not what: everything else is told by the restore's records. */
import { encodeMessage } from '../messages.ts'
import type { Platform } from '../platform/platform.ts'
import type { QueueName } from '../platform/queue/port.ts'
import type { SliceName } from '../resources/slice.ts'
import { beginApply } from './apply-restore.ts'
import { requireTarget } from './plan-restore.ts'
import type { QueuedRestoreService } from './queued-service.ts'
import { readRequest, requestedSlices } from './restore-request.ts'
import type { RequestedSlice } from './restore-request.ts'
import type { RestoreService } from './service.ts'
import { hasEnded, readProgress, takeStep } from './slice-log.ts'

/** Messages handed to the queue at once. */
const SEND_MAX = 500

type QueuesOfService = Pick<RestoreService, 'repository'> & { readonly platform: Pick<Platform, 'queues'> }
type RestoreQueue = Extract<QueueName, 'plan-restore' | 'restore-slice'>

/**
 * After `beginPlan`: a message for each slice; `shared` alone where it is asked for, since everybody's plan counts on what it makes, and its end sends the others. Idempotent.
 * @throws TorikiError `restore-not-found`; `restore-other-target` for what is restored into another deployment: that is planned by the process that asks.
 */
export async function sendPlan(service: QueuedRestoreService, restore: string): Promise<void> {
  const { records } = service.repository
  const request = await readRequest(records, restore)
  requireTarget(service, request)
  const slices = request.shared === undefined ? named(requestedSlices(records, request)) : only('shared')
  await sendAll(service, 'plan-restore', restore, slices)
}

/**
 * From now on the restore may write: the shared slice alone, whose end sends the others; else everybody. Called again it resumes: what has ended is left alone, what was
 * stopped is opened again, and the rest is sent once more, which does no harm.
 * @throws TorikiError `restore-not-found`; `restore-not-planned` while a slice is not planned yet; `restore-other-target`.
 */
export async function sendApply(service: QueuedRestoreService, restore: string): Promise<void> {
  const { records } = service.repository
  const isFirst = (await records.read(`restores/${restore}/applied`)) === undefined
  await beginApply(service, restore)
  const request = await readRequest(records, restore)
  requireTarget(service, request)
  const slices: RequestedSlice[] = []
  for await (const one of requestedSlices(records, request)) slices.push(one)
  const [first] = slices
  if (first?.slice === 'shared' && (isFirst || (await open(service, restore, first)))) {
    await sendAll(service, 'restore-slice', restore, only('shared'))
    return
  }
  await sendAll(service, 'restore-slice', restore, isFirst ? named(slices) : stillOpen(service, restore, slices))
}

/** `shared` is planned, or proven: now the others. Idempotent. */
export async function sendOthers(service: QueuesOfService, kind: RestoreQueue, restore: string): Promise<void> {
  const { records } = service.repository
  await sendAll(service, kind, restore, others(requestedSlices(records, await readRequest(records, restore))))
}

async function* others(slices: AsyncIterable<RequestedSlice>): AsyncGenerator<SliceName> {
  for await (const { slice } of slices) if (slice !== 'shared') yield slice
}

/** Is there something left to do? What was stopped is told to go on. */
async function open(service: QueuedRestoreService, restore: string, { sliceId }: RequestedSlice): Promise<boolean> {
  const { records } = service.repository
  const where = { restore, sliceId }
  const progress = await readProgress(records, where)
  if (progress.stopped !== undefined)
    await takeStep(records, where, progress, { step: 'resumed' }, service.platform.clock.now())
  return !hasEnded(progress)
}

async function* stillOpen(
  service: QueuedRestoreService,
  restore: string,
  slices: readonly RequestedSlice[],
): AsyncGenerator<SliceName> {
  for (const one of slices) if (await open(service, restore, one)) yield one.slice
}

async function* named(slices: AsyncIterable<RequestedSlice> | readonly RequestedSlice[]): AsyncGenerator<SliceName> {
  for await (const { slice } of slices) yield slice
}

async function* only(slice: SliceName): AsyncGenerator<SliceName> {
  yield slice
}

async function sendAll(
  { platform }: QueuesOfService,
  kind: RestoreQueue,
  restore: string,
  slices: AsyncIterable<SliceName>,
): Promise<void> {
  const queue = platform.queues.queue(kind)
  let batch: { readonly body: string }[] = []
  for await (const slice of slices) {
    batch.push({ body: encodeMessage({ v: 1, kind, restore, slice }) })
    if (batch.length < SEND_MAX) continue
    await queue.send(batch)
    batch = []
  }
  if (batch.length > 0) await queue.send(batch)
}
