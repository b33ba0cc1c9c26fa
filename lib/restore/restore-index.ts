/** Restores that were asked for. */
import type { SealedRecords } from '../repository/repository.ts'

/** Ids, oldest first. A restore has as many records as slices or more: the first one per restore is asked for, and the rest skipped. */
export async function* restoreIds(records: SealedRecords): AsyncGenerator<string> {
  let after = 'restores/'
  for (;;) {
    const restore = (await firstAfter(records, after))?.split('/')[1]
    if (restore === undefined) return
    // Who was cut off while he asked left other records, and no request.
    if ((await records.read(`restores/${restore}/request`)) !== undefined) yield restore
    // `~` sorts behind every character of a record's name.
    after = `restores/${restore}/~`
  }
}

async function firstAfter(records: SealedRecords, after: string): Promise<string | undefined> {
  for await (const { path } of records.list('restores/', { after, pageMax: 1 })) return path
  return undefined
}
