/** The log of a function: Powertools' line of JSON, with the function, its invocation and whether it began cold. */
import { Logger } from '@aws-lambda-powertools/logger'
import type { Context } from 'aws-lambda'
import type { Log, LogFields, LogLevel } from '../../log.ts'

export interface LambdaLog extends Log {
  /** What is written from now on belongs to this invocation. */
  invoked(context: object): void
}

/** Fields of ours that have a name which Powertools keeps for itself. */
const RENAMED: Readonly<Record<string, string>> = { message: 'messageId', level: 'levelGiven', service: 'serviceName' }

export function lambdaLog(least: LogLevel = 'info'): LambdaLog {
  const logger = new Logger({ serviceName: 'toriki', logLevel: LEVELS[least] })
  return {
    write: (level, event, fields = {}) => logger[level](event, renamed(fields)),
    invoked: (context) => logger.addContext(context as Context),
  }
}

const LEVELS = { debug: 'DEBUG', info: 'INFO', warn: 'WARN', error: 'ERROR' } as const

function renamed(fields: LogFields): Record<string, string | number | boolean | undefined> {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [RENAMED[name] ?? name, value]))
}
