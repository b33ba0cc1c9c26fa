/** Functions in processes of their own, which their host ends when they would take too long, as Lambda does. */
import { spawn } from 'node:child_process'
import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { BatchResponse, QueueRecord } from '../../../lib/backup/receive-batch.ts'

export interface InvocationLine {
  readonly event: { readonly Records: readonly QueueRecord[] }
  /** The time that the process shall think it is. */
  readonly now: string
  readonly limitMs: number
}

/** `killed`: by its host, because it works for ever. `crashed`: by itself. */
export type Invoked = BatchResponse | 'killed' | 'crashed'

export interface FunctionProcesses {
  /** In the warm process, or, when that is gone, in a new one. */
  invoke(line: InvocationLine): Promise<Invoked>
  /** Processes that were started so far. */
  readonly started: number
  stop(): Promise<void>
}

const PROGRAM = fileURLToPath(new URL('./main.ts', import.meta.url))
/** Enough for slices of tests, and soon full. */
const HEAP_MIB = 128
/** What a process says before it works for ever: the quarter of an hour need not be waited for. */
export const STUCK = 'stuck'

export function functionProcesses(...words: readonly string[]): FunctionProcesses {
  let warm: ChildProcessWithoutNullStreams | undefined
  let started = 0
  const start = (): ChildProcessWithoutNullStreams => {
    started++
    const heap = `--max-old-space-size=${HEAP_MIB}`
    const child = spawn(process.execPath, ['--no-warnings', heap, PROGRAM, ...words], { env: process.env })
    // What V8 prints when memory is full.
    child.stderr.resume()
    return child
  }
  return {
    get started() {
      return started
    },
    async invoke(line) {
      const child = (warm ??= start())
      const lines = createInterface({ input: child.stdout })
      const said = once(lines, 'line').then(([text]) =>
        text === STUCK ? ('killed' as const) : (JSON.parse(String(text)) as BatchResponse),
      )
      const crashed = once(child, 'close').then(() => 'crashed' as const)
      child.stdin.write(`${JSON.stringify(line)}\n`)
      const result = await Promise.race([said, crashed])
      lines.close()
      if (typeof result === 'object') return result
      warm = undefined
      child.kill('SIGKILL')
      await crashed
      return result
    },
    async stop() {
      if (warm === undefined) return
      const ended = once(warm, 'close')
      warm.kill('SIGKILL')
      await ended
    },
  }
}
