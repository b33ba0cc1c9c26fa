/** What every command gets: the terminal, the global options, the signal of Ctrl-C, and who runs workers in this process. */
import type { Service } from '../backup/service.ts'
import { queueNames } from '../platform/queue/port.ts'
import type { Settings } from '../settings.ts'
import type { Terminal } from './terminal.ts'

export interface CommandContext {
  readonly terminal: Terminal
  /** Print exactly one JSON document on stdout. */
  readonly json: boolean
  readonly settingsFile: string | undefined
  /** Aborted by Ctrl-C (SIGINT) or SIGTERM, with a TorikiError `interrupted`. */
  readonly signal: AbortSignal
  readonly host: WorkerHost
}

/** The functions that queues start. `dead-letter` takes what the queues of the others gave up on. */
export const workerFunctions = [...queueNames, 'dead-letter'] as const
export type WorkerFunction = (typeof workerFunctions)[number]

/** Runs the functions in this process; `embedded` is one. */
export interface WorkerHost {
  /** Does the work of these functions, each on its own queues; of all unless they are named. Restoring is among it only with settings that say how. */
  startWorkers(service: Service, only?: readonly WorkerFunction[], settings?: Settings): Promise<Workers>
  /** The whole service until the signal: schedule, workers, settling. */
  serve(service: Service, settings: Settings, events: ServeEvents, signal: AbortSignal): Promise<void>
}

export interface Workers {
  /** Rejects when a queue refuses for good; else resolves after `stop`. */
  readonly ended: Promise<void>
  /** Takes no new message, lets those in work end, then returns. */
  stop(): Promise<void>
}

export interface ServeEvents {
  /** The next time the schedule fires. */
  scheduled(next: Date): void
  started(run: string): void
  ended(run: string, outcome: string): void
  /** A full run was still open, so none was begun. */
  refused(run: string, reason: string): void
  failed(error: unknown): void
}

/** Prints the answer of a command: as one JSON document, or for people. */
export function answer(context: CommandContext, value: unknown, forPeople: () => string): void {
  if (context.json) context.terminal.out(`${JSON.stringify(value, undefined, 2)}\n`)
  else context.terminal.out(forPeople())
}
