/** Was a message of a restore cut off without a word when it was delivered last? It may be what crashed the process (as lib/backup/cut-off.ts). */
import { logFailure } from '../backup/cause.ts'
import { isTorikiError } from '../errors.ts'
import { parseMessage } from '../messages.ts'
import { sliceOfMessage } from './requested-slice.ts'
import type { RestoreService } from './service.ts'
import { readTry } from './slice-tries.ts'

/** Never throws: what cannot be looked at is not suspected. */
export async function wasRestoreCutOff(
  service: Pick<RestoreService, 'platform' | 'repository'>,
  { body, receiveCount }: { readonly body: string; readonly receiveCount: number },
): Promise<boolean> {
  if (receiveCount === 1) return false
  const { records } = service.repository
  try {
    const message = parseMessage(body)
    if (message.kind !== 'restore-slice') return false
    const { restore, slice, kind, part = 0 } = message
    const { sliceId } = await sliceOfMessage(records, restore, slice)
    // A failure is recorded before its message is given back.
    return (await readTry(records, { restore, sliceId }, { kind, part, attempt: receiveCount - 1 })) === undefined
  } catch (error) {
    const isNone = (['message-invalid', 'message-unknown', 'restore-not-found'] as const).some((code) =>
      isTorikiError(error, code),
    )
    if (!isNone) logFailure(service.platform.log, 'cut-off-unknown', error, {})
    return false
  }
}
