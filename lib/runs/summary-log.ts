/**
 * Summaries of a run: numbered, each the report at the time when it ended (again). A late commit or a replay makes the next one; the highest number speaks. They
 * are a convenience and the mark by which alarms are told once: the truth is in the events.
 */
import { toRecord } from './record-schemas.ts'
import type { RunReport } from './outcome.ts'
import type { RunRecords } from './run.ts'

export interface RunSummary {
  readonly n: number
  readonly report: RunReport
  /** Events that were folded. */
  readonly events: number
  /** By the store's clock. */
  readonly writtenAt: Date
}

export async function latestSummary(records: RunRecords, run: string): Promise<RunSummary | undefined> {
  let last: { readonly path: string; readonly modifiedAt: Date } | undefined
  for await (const one of records.list(`runs/${run}/summaries/`)) last = one
  if (last === undefined) return undefined
  const value = await records.read(last.path)
  if (value === undefined) return undefined
  const { report, events } = value as unknown as { readonly report: RunReport; readonly events: number }
  return {
    n: Number(last.path.slice(last.path.lastIndexOf('/') + 1)),
    report: { ...report, endedAt: report.endedAt },
    events,
    writtenAt: last.modifiedAt,
  }
}

/** `exists`: somebody else wrote the n-th meanwhile. */
export async function createSummary(
  records: RunRecords,
  run: string,
  n: number,
  report: RunReport,
  events: number,
): Promise<'created' | 'exists'> {
  return await records.create(`runs/${run}/summaries/${String(n).padStart(6, '0')}`, toRecord({ report, events }))
}
