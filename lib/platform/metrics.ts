/** Figures that somebody may watch and be woken by. Never holds a name, an id of a person or a path: the only dimension is the deployment. */

/** Names are promises: alarms and dashboards of others stand on them. The unit is the figure's own. */
export const metricUnits = {
  /** At the end of a run, and again when a replay or late words changed it. */
  SlicesSaved: 'Count',
  SlicesPartial: 'Count',
  SlicesFailed: 'Count',
  SlicesSkipped: 'Count',
  SlicesSuspect: 'Count',
  /** 1 or 0 at the end of a full run. */
  RunComplete: 'Count',
  /** 1 when a full run was refused because one is open. */
  RunRefused: 'Count',
  /** 1 for each message that was given up and recorded. */
  DeadLetters: 'Count',
  /** At the end of a full run: people whose newest good backup is older than `alarms.rpo`, and the age of the oldest. */
  PeopleBeyondRpo: 'Count',
  GoodBackupAgeMaxSeconds: 'Seconds',
} as const

export type MetricName = keyof typeof metricUnits

export interface Metrics {
  /** Does anybody keep what is added? Where nobody does, nothing is reckoned for it either. */
  readonly kept: boolean
  add(name: MetricName, value: number): void
  /** Hands over what was added. Nothing added, nothing happens. */
  flush(): void
}

export const silentMetrics: Metrics = { kept: false, add: () => undefined, flush: () => undefined }
