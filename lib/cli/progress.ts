/**
 * The moving line of a run on a terminal: users done, bytes, rate, time left, failures so far. Without a terminal: one plain line now and then.
 * It reads the run's own events, so it is right wherever the workers are.
 */
import type { RunObserver } from '../backup/service.ts'
import type { RunReport } from '../runs/outcome.ts'
import type { Clock } from '../platform/clock.ts'
import { movingLine, timeLeft } from './moving-line.ts'
import { formatBytes, formatCount, plural } from './quantities.ts'
import type { Terminal } from './terminal.ts'

export interface Progress {
  readonly observer: RunObserver
  update(report: Pick<RunReport, 'slices'>): void
  /** Clears the moving line, so that other text can be written. */
  clear(): void
}

export function runProgress(terminal: Terminal, clock: Clock): Progress {
  const startedMs = clock.monotonicMs()
  const moving = movingLine(terminal, clock)
  const left = timeLeft(clock)
  const read = new Map<string, number>()
  let ended = 0

  const bytesRead = (): number => ended + [...read.values()].reduce((sum, one) => sum + one, 0)
  const line = (slices: RunReport['slices']): string => {
    const done = slices.saved + slices.partial + slices.skipped + slices.failed
    const elapsedMs = Math.max(1, clock.monotonicMs() - startedMs)
    const bytes = bytesRead()
    const bad = slices.failed + slices.partial
    return [
      `${formatCount(done)}/${formatCount(slices.total)}`,
      ...(bytes > 0 ? [formatBytes(bytes), `${formatBytes((bytes * 1000) / elapsedMs)}/s`] : []),
      ...left.of(done, slices.total),
      bad > 0 ? terminal.style('red', plural(bad, 'failure')) : 'no failures',
    ].join(' · ')
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
      moving.show(slices.total === 0 ? 1 : 1 - slices.pending / slices.total, line(slices))
    },
    clear: () => moving.clear(),
  }
}
