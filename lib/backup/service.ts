/**
 * What every use case of a run works on: the platform, the opened deployment, the configured components and the limits. Made once per process by the
 * assembly and reused over messages.
 */
import type { Component } from '../components/component.ts'
import type { TorikiError } from '../errors.ts'
import type { Metrics } from '../platform/metrics.ts'
import type { Platform } from '../platform/platform.ts'
import type { DeploymentRepository } from '../repository/repository.ts'

export interface Service {
  readonly platform: Platform
  readonly repository: DeploymentRepository
  /** Configured components, in the components' order. */
  readonly components: readonly Component[]
  readonly limits: RunLimits
  /** What one function is reckoned to read, where that is known better than by guess. */
  readonly readingPace?: ReadingPace
  /**
   * What is kept; here where the queues of `prune-slice` and `compact-slice` are worked on, so that each full run is followed by them. Absent elsewhere, and without the setting: then people forget and
   * prune by the command line.
   */
  readonly retention?: Retention
  /** Tells a person: the alarm command, a topic. Never throws; a failing alarm is logged. */
  readonly alarm: (alarm: Alarm) => Promise<void>
  /** Figures for whoever watches; silent where nobody keeps them. */
  readonly metrics: Metrics
  /** Told what happens in this process, for progress on a terminal; never for a decision. */
  readonly observer?: RunObserver
}

/** How fast one function reads. */
export interface ReadingPace {
  readonly msPerResource: number
  readonly bytesPerSecond: number
}

/** What is kept of each history (`lib/maintenance/retention.ts` says what each member means), and of records. */
export interface Retention {
  readonly last?: number
  readonly daily?: number
  readonly weekly?: number
  readonly monthly?: number
  readonly yearly?: number
  readonly keepWithinMs?: number
  readonly leftMs?: number
  /** Records of runs and restores are deleted when they are older. */
  readonly runsMs?: number
  /** An IANA name: where days begin. */
  readonly timezone: string
}

export interface RunObserver {
  /** Bytes of one slice so far, as they grow; the last call of a slice has its sum. */
  bytes(slice: string, read: number, stored: number): void
  /** An attempt at a slice ended with this event. */
  ended(run: string, slice: string, event: string): void
  /** A slice's message rests although nothing could be recorded of it, not even the cause: nobody who reads the run's records will see this error. */
  stuck?(slice: string, error: TorikiError): void
}

export interface RunLimits {
  readonly parallel: number
  readonly attempts: number
  /** A share in (0, 1]: members may fall by this much. */
  readonly shrink: number
  readonly visibilityMs: number
  /** Nobody's newest good backup should be older than this; absent: it is not looked at. */
  readonly rpoMs?: number
}

/** What the alarm command and the topic get as JSON. */
export interface Alarm {
  readonly alarm: 'run-ended' | 'suspect' | 'dead-letter' | 'no-backup' | 'rpo' | 'damaged'
  readonly deployment: string
  /** Empty where it is not about one. */
  readonly run: string
  readonly restore?: string
  readonly outcome?: string
  /** One sentence for people. */
  readonly message: string
  readonly failures?: readonly {
    readonly code: string
    readonly component?: string
    readonly count: number
    readonly remedy: string
  }[]
  readonly suspect?: readonly string[]
  /** Of `rpo`: how many people are beyond it, the age of the oldest good backup, and opaque ids of some of their slices. */
  readonly people?: { readonly beyond: number; readonly oldestSeconds: number; readonly sliceIds: readonly string[] }
}
