/** Which restore is meant when nobody names one. */
import { TorikiError } from '../../errors.ts'
import { restoreIds } from '../../restore/restore-index.ts'
import type { RestoreService } from '../../restore/service.ts'

/** The newest that was begun to be applied. @throws TorikiError `restore-not-found` when there is none, and says what there is. */
export async function newestRestore({ repository }: RestoreService): Promise<string> {
  const { records } = repository
  const ids: string[] = []
  for await (const id of restoreIds(records)) ids.push(id)
  for (const id of ids.toReversed()) if ((await records.read(`restores/${id}/applied`)) !== undefined) return id
  const planned = ids.at(-1)
  throw new TorikiError('restore-not-found', {
    message: planned === undefined ? 'There was no restore yet.' : 'No restore was begun yet; there are plans.',
    ...(planned === undefined ? {} : { remedy: `Apply the newest with: toriki restore apply ${planned}` }),
  })
}
