/**
 * The log: one line of JSON per event, for operators. Never holds a name of a person or a file, a secret, a body or a URL with a query: ids,
 * codes, counts and times only. The command line prints names to its own terminal; that is not the log.
 */

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>

export interface Log {
  write(level: LogLevel, event: string, fields?: LogFields): void
}

/** Says nothing. */
export const silentLog: Log = { write: () => undefined }

/** Writes JSON lines at or above `least` to `sink` (one call, one line, newline included). */
export function jsonLog(sink: (line: string) => void, now: () => Date, least: LogLevel = 'info'): Log {
  const order: readonly LogLevel[] = ['debug', 'info', 'warn', 'error']
  return {
    write(level, event, fields = {}) {
      if (order.indexOf(level) >= order.indexOf(least))
        sink(`${JSON.stringify({ at: now().toISOString(), level, event, ...fields })}\n`)
    },
  }
}
