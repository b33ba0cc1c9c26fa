/**
 * The moving line of a run on a terminal: users done, bytes, rate, time left, failures so far. Without a terminal: one plain line now and then.
 * It reads the run's own events, so it is right wherever the workers are.
 */
import type { RunObserver } from '../backup/service.ts'
import type { RunReport } from '../runs/outcome.ts'
import type { Clock } from '../platform/clock.ts'
import { formatBytes, formatCount, formatDuration, plural } from './quantities.ts'
import { cut } from './table.ts'
import type { Terminal } from './terminal.ts'

/** Nothing ended for so long: no guess is made, what is left is said instead. */
const STALLED_MS = 3_000
/** A plain line at most this often when nobody watches. */
const PLAIN_LINE_MS = 10_000
const BAR_PLACES = 16

export interface Progress {
  readonly observer: RunObserver
  update(report: Pick<RunReport, 'slices'>): void
  /** Clears the moving line, so that other text can be written. */
  clear(): void
}

export function runProgress(terminal: Terminal, clock: Clock): Progress {
  const startedMs = clock.monotonicMs()
  const read = new Map<string, number>()
  let ended = 0
  let lastPlainMs = startedMs
  let shown = false
  let lastDone = { count: -1, atMs: startedMs }

  const bytesRead = (): number => ended + [...read.values()].reduce((sum, one) => sum + one, 0)
  const line = (slices: RunReport['slices']): string => {
    const done = slices.saved + slices.partial + slices.skipped + slices.failed
    const elapsedMs = Math.max(1, clock.monotonicMs() - startedMs)
    const bytes = bytesRead()
    if (done !== lastDone.count) lastDone = { count: done, atMs: clock.monotonicMs() }
    const left = formatLeft(elapsedMs, done, slices.total, clock.monotonicMs() - lastDone.atMs)
    const bad = slices.failed + slices.partial
    return [
      `${formatCount(done)}/${formatCount(slices.total)}`,
      ...(bytes > 0 ? [formatBytes(bytes), `${formatBytes((bytes * 1000) / elapsedMs)}/s`] : []),
      ...left,
      bad > 0 ? terminal.style('red', plural(bad, 'failure')) : 'no failures',
    ].join(' · ')
  }
  const bar = (slices: RunReport['slices']): string => {
    const share = slices.total === 0 ? 1 : 1 - slices.pending / slices.total
    const full = Math.round(share * BAR_PLACES)
    return `${terminal.style('green', '━'.repeat(full))}${terminal.style('dim', '─'.repeat(BAR_PLACES - full))} `
  }

  return {
    observer: {
      bytes: (slice, bytes) => void read.set(slice, bytes),
      ended(_run, slice) {
        ended += read.get(slice) ?? 0
        read.delete(slice)
      },
    },
    update({ slices }) {
      if (terminal.interactive) {
        terminal.err(`\r\u001b[2K${bar(slices)}${cut(line(slices), terminal.width - BAR_PLACES - 2)}`)
        shown = true
      } else if (clock.monotonicMs() - lastPlainMs >= PLAIN_LINE_MS) {
        lastPlainMs = clock.monotonicMs()
        terminal.err(`${line(slices)}\n`)
      }
    },
    clear() {
      if (shown) terminal.err('\r\u001b[2K')
      shown = false
    },
  }
}

/** An even guess from what is done; while nothing ends (a retry waits, a large home is read), only how many are left. */
function formatLeft(elapsedMs: number, done: number, total: number, sinceMs: number): readonly string[] {
  if (done === total) return []
  if (done === 0 || sinceMs > STALLED_MS) return sinceMs > STALLED_MS ? [`${formatCount(total - done)} to go`] : []
  return [`${formatDuration((elapsedMs / done) * (total - done))} left`]
}
