/**
 * Was a message's last delivery cut off without a word? It may be what crashed the process. A host that works on several slices at once then works on it
 * alone, so that the next crash takes no attempt from anybody else.
 */
import { isTorikiError } from '../errors.ts'
import { parseMessage } from '../messages.ts'
import { parseSlice } from '../resources/slice.ts'
import { foldOf } from '../runs/slice-states.ts'
import { logFailure } from './cause.ts'
import type { Service } from './service.ts'

/** Never throws: what cannot be looked at is not suspected. */
export async function wasCutOff(
  service: Service,
  { body, receiveCount }: { readonly body: string; readonly receiveCount: number },
): Promise<boolean> {
  if (receiveCount === 1) return false
  const { repository } = service
  try {
    const message = parseMessage(body)
    if (message.kind !== 'backup-slice') return false
    const { pending, attempts } = await foldOf(
      repository.records,
      message.run,
      repository.sliceId(parseSlice(message.slice).name, 1),
    )
    // A failure is recorded before its message is given back.
    return pending && attempts < receiveCount - 1
  } catch (error) {
    if (!isTorikiError(error, 'message-invalid') && !isTorikiError(error, 'message-unknown'))
      logFailure(service.platform.log, 'cut-off-unknown', error, {})
    return false
  }
}
