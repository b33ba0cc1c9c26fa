/** Snapshot ids, `<run>.<n>`: runs sort by time as text, n is a number, and the highest n speaks for its run. */
import type { SnapshotId } from './snapshot.ts'

const SNAPSHOT_ID = /^([0-9A-Za-z][0-9A-Za-z_-]{0,79})\.([1-9]\d{0,8})$/

export interface SnapshotIdParts {
  readonly run: string
  readonly n: number
}

export function formatSnapshotId({ run, n }: SnapshotIdParts): SnapshotId {
  return `${run}.${n}`
}

/** `undefined` for a text that is no snapshot id. */
export function parseSnapshotId(text: string): SnapshotIdParts | undefined {
  const match = SNAPSHOT_ID.exec(text)
  return match === null ? undefined : { run: match[1] as string, n: Number(match[2]) }
}

/** Older first: by run, then by n. Only for texts that are snapshot ids. */
export function compareSnapshotIds(a: SnapshotId, b: SnapshotId): number {
  const [one, two] = [parseSnapshotId(a), parseSnapshotId(b)]
  if (one === undefined || two === undefined) throw new RangeError('not a snapshot id')
  if (one.run !== two.run) return one.run < two.run ? -1 : 1
  return one.n - two.n
}
