import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A program that this process started and will end; it never outlives the process that started it. */
export interface OwnedProcess {
  readonly pid: number
  /** Settles with the exit status (or the signal's name) once the program has ended. Never rejects. */
  readonly ended: Promise<number | string>
  hasEnded(): boolean
  /** The last 64 KiB (or as asked) of standard output and standard error together. */
  output(): string
  /** From now on the program does not keep our process alive: a test that fails before it stops its servers does not hang. */
  letGo(): void
  /** Sends `signal`, waits up to `graceMs`, then SIGKILL. Settles when the program is gone; may be called twice. */
  end(signal?: NodeJS.Signals, graceMs?: number): Promise<void>
}

export interface StartOptions {
  readonly cwd?: string
  readonly env?: Record<string, string>
  /** Run as this operating system user; needs root. */
  readonly user?: string
  /** What the program gets when our process ends before `end` was called, even by kill -9; default SIGKILL. */
  readonly orphanSignal?: NodeJS.Signals
  /** So many of the last characters that it prints are kept; default 64 Ki. */
  readonly outputMax?: number
}

const OUTPUT_MAX = 64 * 1024
/** Of a program whose output is its answer. */
const ANSWER_MAX = 256 * 1024 * 1024
const SETPRIV = '/usr/bin/setpriv'

const running = new Map<ChildProcess, NodeJS.Signals>()
const folders = new Set<string>()

/**
 * Starts a program as a direct child, so that its own pid is known.
 * `process.on('exit')` does not fire inside jest's sandbox, and nothing fires on SIGKILL: therefore the kernel is asked (`prctl(PR_SET_PDEATHSIG)` by
 * `setpriv --pdeathsig`, set after the change of user because a change of credentials clears it) to end the program with us.
 */
export function startProcess(program: string, args: readonly string[], options: StartOptions = {}): OwnedProcess {
  watchExit()
  const [command, commandArgs] = wrap(program, args, options)
  const child = spawn(command, commandArgs, {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.env === undefined ? {} : { env: options.env }),
  })
  running.set(child, options.orphanSignal ?? 'SIGKILL')
  let output = ''
  const collect = (part: string): void => {
    output = (output + part).slice(-(options.outputMax ?? OUTPUT_MAX))
  }
  child.stdout.setEncoding('utf8').on('data', collect)
  child.stderr.setEncoding('utf8').on('data', collect)
  // Pipes are sockets, which the types do not say.
  const handles = [child, child.stdout as unknown as Socket, child.stderr as unknown as Socket]
  let over = false
  const ended = new Promise<number | string>((resolve) => {
    const settle = (result: number | string): void => {
      over = true
      running.delete(child)
      resolve(result)
    }
    child.once('error', (error) => {
      collect(`${program}: ${error.message}\n`)
      settle('not started')
    })
    child.once('close', (code, signal) => settle(code ?? signal ?? 'ended'))
  })
  return {
    pid: child.pid ?? -1,
    ended,
    hasEnded: () => over,
    output: () => output,
    letGo() {
      for (const handle of handles) handle.unref()
    },
    async end(signal = 'SIGTERM', graceMs = 20_000) {
      if (over) return
      for (const handle of handles) handle.ref()
      child.kill(signal)
      const force = setTimeout(() => child.kill('SIGKILL'), graceMs)
      await ended
      clearTimeout(force)
    },
  }
}

/** Runs a program to its end and returns its whole output. Throws with the output's tail when it does not end with 0, or after `timeoutMs`. */
export async function runToEnd(
  program: string,
  args: readonly string[],
  options: StartOptions & { readonly timeoutMs?: number } = {},
): Promise<string> {
  const child = startProcess(program, args, { outputMax: ANSWER_MAX, ...options })
  const timer = setTimeout(() => void child.end('SIGKILL'), options.timeoutMs ?? 300_000)
  const status = await child.ended
  clearTimeout(timer)
  if (status !== 0) throw new Error(`${program} ended with ${status}: ${child.output().slice(-4000)}`)
  return child.output()
}

/** A new folder under the system's temporary folder that is removed by `removeFolder`, or at the latest when this process ends. */
export function makeFolder(purpose: string): string {
  watchExit()
  const folder = mkdtempSync(join(tmpdir(), `toriki-test-${process.pid}-${purpose}-`))
  folders.add(folder)
  return folder
}

export function removeFolder(folder: string): void {
  folders.delete(folder)
  rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
}

/** Removes the folders of test processes that were killed before they could do it; folders of living processes stay. */
export function sweepFolders(): void {
  for (const name of readdirSync(tmpdir())) {
    const owner = /^toriki-test-(\d+)-/.exec(name)?.[1]
    if (owner !== undefined && !isAlive(Number(owner))) rmSync(join(tmpdir(), name), { recursive: true, force: true })
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Like `isAlive`, but a program that has ended and waits for us to notice does not count (Linux). */
function isRunning(pid: number | undefined): boolean {
  if (pid === undefined || !isAlive(pid)) return false
  try {
    return !/^\d+ \(.*\) [ZX]/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

/** Is there an operating system user of this name? */
export function userExists(name: string): boolean {
  try {
    execFileSync('id', ['-u', name], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

export const isRoot = (): boolean => process.getuid?.() === 0

export function ensureFolder(path: string): string {
  mkdirSync(path, { recursive: true })
  return path
}

function wrap(program: string, args: readonly string[], options: StartOptions): [string, string[]] {
  const user = options.user !== undefined && isRoot() ? options.user : undefined
  if (!existsSync(SETPRIV)) {
    return user === undefined ? [program, [...args]] : ['runuser', ['-u', user, '--', program, ...args]]
  }
  const orphan = (options.orphanSignal ?? 'SIGKILL').slice('SIG'.length)
  const group = user === undefined ? [] : [`--reuid=${user}`, `--regid=${primaryGroup(user)}`, '--clear-groups']
  return [SETPRIV, [...group, `--pdeathsig=${orphan}`, '--', program, ...args]]
}

function primaryGroup(user: string): string {
  return execFileSync('id', ['-g', user], { encoding: 'utf8' }).trim()
}

let watching = false

function watchExit(): void {
  if (watching) return
  watching = true
  process.on('exit', endEverything)
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      endEverything()
      process.kill(process.pid, signal)
    })
  }
}

function endEverything(): void {
  for (const [child, signal] of running) child.kill(signal)
  // An exit handler cannot await; PostgreSQL takes some 50 ms and would write into a folder that is being removed.
  const deadline = Date.now() + 5000
  while ([...running.keys()].some(({ pid }) => isRunning(pid)) && Date.now() < deadline) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10)
  }
  for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 })
}
