/** A command behind a slow file system: the shared library that delays (`delayed-calls.c`), and how a program is started with it. */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { isOnPath } from '../../kit/servers/install.ts'
import type { Command } from '../engine/measure-process.ts'

export interface Delay {
  /** Of one call. */
  readonly ms: number
  /** Also of calls that a client of a network file system usually answers itself. */
  readonly every: boolean
  /** Below this folder. */
  readonly root: string
}

/** What was delayed, of all processes together. */
export interface Delayed {
  readonly calls: number
  /** Most in one process. */
  readonly atOnce: number
}

/** Why there is no figure here; `undefined`: nothing is in the way. */
export function hindranceToDelay(): string | undefined {
  if (process.platform !== 'linux') return 'calls are delayed on Linux only'
  return isOnPath('cc') ? undefined : 'no C compiler here (Debian: gcc and libc6-dev)'
}

/** Compiles into `folder`; a second or two. */
export function delayLibrary(folder: string): string {
  const library = join(folder, 'delayed-calls.so')
  const source = join(import.meta.dirname, 'delayed-calls.c')
  execFileSync('cc', ['-O2', '-shared', '-fPIC', '-o', library, source, '-ldl'])
  return library
}

/** `report`: a file that does not exist yet. */
export function delayedCommand(command: Command, library: string, delay: Delay, report: string): Command {
  return {
    ...command,
    environment: {
      ...command.environment,
      LD_PRELOAD: library,
      DELAY_ROOT: delay.root,
      DELAY_US: String(Math.round(delay.ms * 1000)),
      DELAY_EVERY: delay.every ? '1' : '0',
      DELAY_REPORT: report,
    },
  }
}

/** Reads and removes the report. @throws when nothing was delayed: then the program was not met, and its time says nothing. */
export function readDelayed(report: string): Delayed {
  if (!existsSync(report))
    throw new Error('no call was delayed: the program does not go through libc, or it was killed')
  const lines = readFileSync(report, 'latin1').trim().split('\n')
  rmSync(report)
  const numbers = lines.map((line) => line.split(' ').map(Number) as [number, number])
  return {
    calls: numbers.reduce((sum, [calls]) => sum + calls, 0),
    atOnce: Math.max(...numbers.map(([, atOnce]) => atOnce)),
  }
}
