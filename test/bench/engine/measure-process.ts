/** One program as a whole process, and what it took: with everything that it started and waited for. */
import { execFile } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { aptInstall, isOnPath } from '../../kit/servers/install.ts'

export interface Command {
  readonly program: string
  readonly args: readonly string[]
  readonly folder?: string
  readonly environment?: Readonly<Record<string, string>>
}

export interface Measure {
  readonly wallSeconds: number
  /** User and system. */
  readonly cpuSeconds: number
  /** The largest resident size of one process. */
  readonly peakMiB: number
}

const run = promisify(execFile)
const OUTPUT_MAX = 2 ** 28

/** GNU time, which tells what a child took of processor and memory: Node does not. */
export async function ensureTime(): Promise<void> {
  if (!isOnPath('time')) await aptInstall(['time'])
}

/** @throws with what it printed when its status is not 0. */
export async function runCommand({ program, args, folder, environment }: Command): Promise<string> {
  const options = { maxBuffer: OUTPUT_MAX, ...(folder === undefined ? {} : { cwd: folder }) }
  const { stdout } = await run(program, args, { ...options, env: { ...process.env, ...environment } })
  return stdout
}

/** `scratch`: a folder for a moment's file. @throws as `runCommand`. */
export async function measureCommand(
  command: Command,
  scratch: string,
): Promise<{ readonly measure: Measure; readonly out: string }> {
  const file = join(scratch, 'time')
  const began = performance.now()
  const out = await runCommand({
    ...command,
    program: 'time',
    args: ['-q', '-f', '%U %S %M', '-o', file, command.program, ...command.args],
  })
  const wallSeconds = (performance.now() - began) / 1000
  const [user = 0, system = 0, kibibytes = 0] = readFileSync(file, 'latin1').trim().split(' ').map(Number)
  rmSync(file)
  return { measure: { wallSeconds, cpuSeconds: user + system, peakMiB: kibibytes / 1024 }, out }
}
