/**
 * The moving line of a restore: while it plans, what was looked at; while it applies, changes made and bytes written; while it proves, that it does. Counts what goes through the writers of
 * this process, so one person with a large home moves too.
 */
import type { ComponentWriter } from '../../components/writer.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Change } from '../../resources/change.ts'
import type { ElsewhereContent } from '../../resources/file-making.ts'
import type { ContentPart } from '../../resources/resource.ts'
import type { RestoreService } from '../../restore/service.ts'
import { movingLine, timeLeft } from '../moving-line.ts'
import { formatBytes, formatCount, plural } from '../quantities.ts'
import type { Terminal } from '../terminal.ts'

/** Between two looks at the counts. */
const SHOW_EVERY_MS = 200
const SHORT_BYTES = 1024 * 1024

export interface Watched {
  readonly service: RestoreService
  readonly counts: Counts
}

export interface Counts {
  /** Live resources that were read. */
  looked: number
  /** Changes that were asked for. */
  applied: number
  /** Of content that was written. */
  bytes: number
}

/** The same service, whose writers count. */
export function watched(service: RestoreService): Watched {
  const counts: Counts = { looked: 0, applied: 0, bytes: 0 }
  return { service: { ...service, writers: service.writers.map((writer) => counting(writer, counts)) }, counts }
}

export interface Phase {
  /** `planning` or `restoring`. */
  readonly what: 'planning' | 'restoring'
  /** Slices. */
  readonly total: number
  /** Changes and bytes that the plan names, where this process makes them. */
  readonly changes?: number
  readonly bytes?: number
  done(): number
}

/** Shows the phase until `action` has ended. */
export async function showing<T>(
  { terminal, clock, signal }: { readonly terminal: Terminal; readonly clock: Clock; readonly signal: AbortSignal },
  counts: Counts,
  phase: Phase,
  action: () => Promise<T>,
): Promise<T> {
  const line = movingLine(terminal, clock)
  const left = timeLeft(clock)
  const over = new AbortController()
  const turning = turn(clock, AbortSignal.any([signal, over.signal]), () => {
    const [share, text] = phase.what === 'planning' ? planning(phase, counts) : restoring(phase, counts, left)
    line.show(share, text)
  })
  try {
    return await action()
  } finally {
    over.abort()
    await turning
    line.clear()
  }
}

async function turn(clock: Clock, signal: AbortSignal, show: () => void): Promise<void> {
  while (!signal.aborted) {
    show()
    await clock.sleep(SHOW_EVERY_MS, signal).catch(() => undefined) // aborted: the loop ends by itself
  }
}

function planning({ total, done }: Phase, { looked }: Counts): readonly [number, string] {
  const seen = looked === 0 ? [] : [`${plural(looked, 'resource')} compared`]
  return [done() / Math.max(1, total), [`planning ${formatCount(done())}/${formatCount(total)}`, ...seen].join(' · ')]
}

function restoring(
  { total, changes, bytes = 0, done }: Phase,
  counts: Counts,
  left: ReturnType<typeof timeLeft>,
): readonly [number, string] {
  const ended = `restoring ${formatCount(done())}/${formatCount(total)}`
  if (changes === undefined) return [done() / Math.max(1, total), [ended, ...left.of(done(), total)].join(' · ')]
  const applied = Math.min(counts.applied, changes)
  const parts = [
    ended,
    `${formatCount(applied)} of ${plural(changes, 'change')}`,
    ...(bytes > 0 ? [`${formatBytes(Math.min(counts.bytes, bytes))} of ${formatBytes(bytes)}`] : []),
    ...(applied < changes ? left.of(applied, changes) : done() < total ? ['reading back'] : []),
  ]
  // Reading it all again takes about as long as half of the writing.
  const share = (2 * (changes === 0 ? 1 : applied / changes) + done() / Math.max(1, total)) / 3
  return [share, parts.join(' · ')]
}

function counting(writer: ComponentWriter, counts: Counts): ComponentWriter {
  const watching: Partial<ComponentWriter> = {
    async *look(slice, keys, context) {
      for await (const resource of writer.look(slice, keys, context)) {
        counts.looked++
        yield resource
      }
    },
    async apply(slice, change, context) {
      const applied = await writer.apply(slice, countingBytes(change, counts), context)
      counts.applied++
      return applied
    },
  }
  const { applyMany } = writer
  if (applyMany !== undefined)
    watching.applyMany = async (slice, changes, context, turns) => {
      const counted = changes.map((change) => (isShort(change) ? change : countingBytes(change, counts)))
      const applied = await applyMany.call(writer, slice, counted, context, turns)
      counts.applied += applied.length
      for (let at = 0; at < applied.length; at++) {
        const change = changes[at]
        if (change !== undefined && isShort(change)) counts.bytes += change.after?.content?.sizeBytes ?? 0
      }
      return applied
    }
  return new Proxy(writer, {
    get(target, name) {
      const own = Reflect.get(watching, name) as unknown
      if (own !== undefined) return own
      const value = Reflect.get(target, name) as unknown
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}

/** Counted when it is there: one of many, of which nobody sees how each grows. */
function isShort({ after }: Change): boolean {
  return after?.content === undefined || after.content.ready !== undefined || after.content.sizeBytes < SHORT_BYTES
}

function countingBytes(change: Change, counts: Counts): Change {
  const content = change.after?.content
  if (change.after === undefined || content === undefined) return change
  const parts = async function* (): AsyncGenerator<ContentPart> {
    for await (const part of content.parts()) {
      counts.bytes += part instanceof Uint8Array ? part.length : part.holeBytes
      yield part
    }
  }
  const elsewhere = content.elsewhere && countingElsewhere(content.elsewhere, content.sizeBytes, counts)
  return {
    ...change,
    after: { ...change.after, content: { ...content, parts, ...(elsewhere === undefined ? {} : { elsewhere }) } },
  }
}

/** Where other threads write it. */
function countingElsewhere(content: ElsewhereContent, sizeBytes: number, counts: Counts): ElsewhereContent {
  return {
    make: (file, asker) =>
      content.make(file, {
        made(made) {
          if (made !== undefined) counts.bytes += sizeBytes
          asker.made(made)
        },
      }),
    fill: (handle, { signal, told }) =>
      content.fill(handle, {
        signal,
        told: (bytes) => {
          counts.bytes += bytes
          told?.(bytes)
        },
      }),
  }
}
