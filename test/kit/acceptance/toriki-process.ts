/** `toriki` as a process of its own, which can be killed, interrupted and listened to. Ends with the test process. */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

export interface TorikiProcess {
  readonly pid: number
  /** What it printed so far. */
  out(): string
  err(): string
  /** Resolves when stderr or stdout holds the text; rejects when the process ends first. */
  says(text: string): Promise<void>
  kill(signal: 'SIGKILL' | 'SIGINT' | 'SIGTERM'): void
  /** Exit status, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>
}

export interface ProcessOptions {
  /** Absent: the real program, whose lease is a minute. */
  readonly leaseMs?: number
  readonly environment?: Readonly<Record<string, string>>
  /** Runs as this user instead of the test's own. */
  readonly uid?: number
}

const REAL = fileURLToPath(new URL('../../../lib/embedded/main.ts', import.meta.url))
const SHORT_LEASE = fileURLToPath(new URL('./main.ts', import.meta.url))

const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

export function startToriki(settings: string, words: readonly string[], options: ProcessOptions = {}): TorikiProcess {
  const program = options.leaseMs === undefined ? [REAL] : [SHORT_LEASE, String(options.leaseMs)]
  const child = spawn(process.execPath, ['--no-warnings', ...program, '--settings', settings, ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...options.environment },
    ...(options.uid === undefined ? {} : { uid: options.uid }),
  })
  running.add(child)
  const printed = { out: '', err: '' }
  const waiting = new Set<() => void>()
  const listen = (name: 'out' | 'err', stream: NodeJS.ReadableStream): void => {
    stream.setEncoding('utf8').on('data', (text: string) => {
      printed[name] += text
      for (const look of waiting) look()
    })
  }
  listen('out', child.stdout)
  listen('err', child.stderr)
  const ended = once(child, 'close').then(([status, signal]) => {
    running.delete(child)
    for (const look of waiting) look()
    return (status ?? signal) as number | NodeJS.Signals
  })
  return {
    pid: child.pid ?? 0,
    out: () => printed.out,
    err: () => printed.err,
    says: (text) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const said = printed.err.includes(text) || printed.out.includes(text)
          if (!said && running.has(child)) return
          waiting.delete(look)
          if (said) resolve()
          else reject(new Error(`it ended without saying ${JSON.stringify(text)}: ${printed.err}`))
        }
        waiting.add(look)
        look()
      }),
    kill: (signal) => void child.kill(signal),
    ended,
  }
}
