/**
 * Is a restore over? One that was only planned wrote nothing and is; one that was applied is when each of its slices was proven, taken back, refused, or acknowledged by a person. Until then
 * its records and safety snapshots are what brings people back: nobody forgets or prunes them.
 */
import type { SealedRecords } from '../repository/repository.ts'
import { readRequest, requestedSlices } from './restore-request.ts'
import { restoreIds } from './restore-index.ts'
import { hasEnded, readProgress } from './slice-log.ts'

/** @throws TorikiError `restore-not-found`. */
export async function isRestoreOpen(records: SealedRecords, restore: string): Promise<boolean> {
  const request = await readRequest(records, restore)
  if ((await records.read(`restores/${restore}/applied`)) === undefined) return false
  for await (const { sliceId } of requestedSlices(records, request)) {
    const progress = await readProgress(records, { restore, sliceId })
    if (!hasEnded(progress) || progress.last?.step === 'undo-failed') return true
  }
  return false
}

/** Ids of restores that are not over, oldest first. */
export async function* openRestores(records: SealedRecords): AsyncGenerator<string> {
  for await (const restore of restoreIds(records)) if (await isRestoreOpen(records, restore)) yield restore
}

/** The restore whose safety snapshot this is; `undefined`: it is no such snapshot. */
export function restoreOfSafetySnapshot(snapshot: string): string | undefined {
  return /^(\d{8}T\d{9}Z-restore-[0-9a-f]+)\.\d+$/.exec(snapshot)?.[1]
}
