/** How `toriki` is started. */
import { join } from 'node:path'

/** What `bin/toriki` gives the Node that does the work. */
export const NODE_FLAGS = [
  '--disable-warning=ExperimentalWarning',
  '--min-semi-space-size=16',
  '--max-semi-space-size=16',
  '--max-old-space-size=384',
  '--initial-old-space-size=64',
  '--heap-growing-percent=100',
] as const

/** As an admin starts it: the launcher, which starts the Node that works. */
export function torikiCommand(): readonly [program: string, ...start: readonly string[]] {
  return [process.execPath, join(import.meta.dirname, '../../bin/toriki')]
}
