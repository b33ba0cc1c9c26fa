/**
 * Runs, newest first. A run has as many records as slices or more, so they are not listed: the first one per run is asked for, and the rest skipped. Ids
 * sort by time, hence the search goes back in windows that grow eightfold: last week, two months, a year and a half, ever.
 */
import { isRunId } from './run-id.ts'
import type { RunRecords } from './run.ts'

const DAY_MS = 86_400_000
const WINDOWS_DAYS = [8, 64, 512]

/** Ids under which records lie, newest first by the time they were meant for. Not every one has a run record: a start may have been cut off before it. */
export async function* runIdsNewestFirst(records: RunRecords, now: Date): AsyncGenerator<string> {
  let before: string | undefined
  for (const days of [...WINDOWS_DAYS, undefined]) {
    const from = days === undefined ? '' : dayOf(new Date(now.getTime() - days * DAY_MS))
    const ids: string[] = []
    for await (const run of runIdsBetween(records, from, before)) ids.push(run)
    yield* ids.reverse()
    before = from
  }
}

async function* runIdsBetween(records: RunRecords, from: string, before: string | undefined): AsyncGenerator<string> {
  let after = `runs/${from}`
  for (;;) {
    const first = await firstAfter(records, after)
    const run = first?.split('/')[1]
    // What does not begin with a year is no run (`unreadable`), and sorts behind them all.
    if (run === undefined || run > ':' || (before !== undefined && run >= before)) return
    if (isRunId(run)) yield run
    // `~` sorts behind every character of a record's name.
    after = `runs/${run}/~`
  }
}

async function firstAfter(records: RunRecords, after: string): Promise<string | undefined> {
  for await (const { path } of records.list('runs/', { after, pageMax: 1 })) return path
  return undefined
}

function dayOf(time: Date): string {
  return time.toISOString().slice(0, 10).replaceAll('-', '')
}
