/** Tells a person by a program of theirs: started without a shell, given one JSON document on its standard input. */
import { spawn } from 'node:child_process'
import type { Log } from '../log.ts'

/** A program that has not ended by then is ended. */
const ALARM_TIMEOUT_MS = 30_000

/**
 * Runs `command` with `document` on stdin and waits for its end. Never throws: a failing alarm is logged (code and status only), since the run it tells of
 * must not fail with it.
 */
export async function runAlarmCommand(command: string, document: object, log: Log): Promise<void> {
  await new Promise<void>((resolve) => {
    const child = spawn(command, [], {
      stdio: ['pipe', 'ignore', 'ignore'],
      timeout: ALARM_TIMEOUT_MS,
      killSignal: 'SIGKILL',
    })
    let started = true
    child.on('error', (error) => {
      started = false
      log.write('error', 'alarm-command-failed', { reason: (error as NodeJS.ErrnoException).code ?? 'unknown' })
      resolve()
    })
    child.on('close', (status, signal) => {
      if (started && status !== 0)
        log.write('error', 'alarm-command-failed', { status: status ?? -1, signal: signal ?? undefined })
      resolve()
    })
    // A program that does not read its input closes the pipe: its exit status tells what matters.
    child.stdin.on('error', () => log.write('debug', 'alarm-command-did-not-read'))
    child.stdin.end(`${JSON.stringify(document)}\n`)
  })
}
