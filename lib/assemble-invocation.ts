/** What every function does around its own work: the log of its process, and a service that is opened by the first invocation and kept for the others. */
import { logFailure } from './backup/cause.ts'
import { jsonLog } from './log.ts'
import type { Log, LogLevel } from './log.ts'
import { systemClock } from './platform/clock.ts'
import type { LambdaLog } from './platform/lambda/log.ts'
import { environment } from './settings-environment.ts'

let logOfThisProcess: Promise<LambdaLog> | undefined

/** Runs one invocation with the kept service; opened anew after a failure to open. What it throws is logged. */
export type Invoke<S> = <T>(invocation: object, handle: (service: S) => Promise<T>) => Promise<T>

export function keptService<S>(open: (log: Log) => Promise<S>): Invoke<S> {
  let kept: Promise<S> | undefined
  const opened = async (log: Log): Promise<S> => {
    kept ??= open(log)
    try {
      return await kept
    } catch (error) {
      kept = undefined
      throw error
    }
  }
  return async (invocation, handle) => {
    const log = await (logOfThisProcess ??= openLog())
    log.invoked(invocation)
    try {
      return await handle(await opened(log))
    } catch (error) {
      logFailure(log, 'invocation-failed', error, {})
      throw error
    }
  }
}

/** Lambda sets this variable in every process of a function; elsewhere a function is started by hand or by a test. */
export function isOnLambda(): boolean {
  return environment('AWS_LAMBDA_FUNCTION_NAME') !== undefined
}

async function openLog(): Promise<LambdaLog> {
  const level = logLevel()
  if (isOnLambda()) return (await import('./platform/lambda/log.ts')).lambdaLog(level)
  const log = jsonLog(
    (line) => void process.stdout.write(line),
    () => systemClock.now(),
    level,
  )
  return { write: log.write, invoked: () => undefined }
}

function logLevel(): LogLevel {
  const level = environment('TORIKI_LOG')
  return level === 'debug' || level === 'warn' || level === 'error' ? level : 'info'
}
