/** A line that moves on a terminal, with a bar; without a terminal a plain line now and then. */
import type { Clock } from '../platform/clock.ts'
import { formatCount, formatDuration } from './quantities.ts'
import { cut } from './table.ts'
import type { Terminal } from './terminal.ts'

/** A plain line at most this often when nobody watches. */
const PLAIN_LINE_MS = 10_000
/** Nothing ended for so long: no guess is made, what is left is said instead. */
const STALLED_MS = 3_000
const BAR_PLACES = 16

export interface MovingLine {
  /** `share` of the whole that is done, 0 to 1. */
  show(share: number, text: string): void
  /** Clears the line, so that other text can be written. */
  clear(): void
}

export function movingLine(terminal: Terminal, clock: Clock): MovingLine {
  let lastPlainMs = clock.monotonicMs()
  let shown = false
  return {
    show(share, text) {
      if (terminal.interactive) {
        const full = Math.round(Math.min(1, Math.max(0, share)) * BAR_PLACES)
        const bar = `${terminal.style('green', '━'.repeat(full))}${terminal.style('dim', '─'.repeat(BAR_PLACES - full))} `
        terminal.err(`\r\u001b[2K${bar}${cut(text, terminal.width - BAR_PLACES - 2)}`)
        shown = true
      } else if (clock.monotonicMs() - lastPlainMs >= PLAIN_LINE_MS) {
        lastPlainMs = clock.monotonicMs()
        terminal.err(`${text}\n`)
      }
    },
    clear() {
      if (shown) terminal.err('\r\u001b[2K')
      shown = false
    },
  }
}

/** Guesses how long the rest takes. */
export interface TimeLeft {
  /** As a part of a line, or nothing. */
  of(done: number, total: number): readonly string[]
}

/** An even guess from what is done; while nothing ends (a retry waits, a large home is read), only how many are left. */
export function timeLeft(clock: Clock): TimeLeft {
  const startedMs = clock.monotonicMs()
  let last = { count: -1, atMs: startedMs }
  return {
    of(done, total) {
      const nowMs = clock.monotonicMs()
      if (done !== last.count) last = { count: done, atMs: nowMs }
      if (done === total) return []
      const isStalled = nowMs - last.atMs > STALLED_MS
      if (done === 0 || isStalled) return isStalled ? [`${formatCount(total - done)} to go`] : []
      return [`${formatDuration((Math.max(1, nowMs - startedMs) / done) * (total - done))} left`]
    },
  }
}
