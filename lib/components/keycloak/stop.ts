/** The wish to stop, as a coded error. */
import { TorikiError } from '../../errors.ts'

/** @throws the reason of the abort when it is a coded error, else `interrupted`. */
export function stopIfAborted(signal: AbortSignal): void {
  if (!signal.aborted) return
  const reason: unknown = signal.reason
  throw reason instanceof TorikiError ? reason : new TorikiError('interrupted', { cause: reason })
}

/** Waits for work that others wait for too: an aborted signal ends the waiting, never the work. @throws as `stopIfAborted`. */
export async function waitFor<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  stopIfAborted(signal)
  const { promise: stopped, reject } = Promise.withResolvers<never>()
  const onAbort = (): void => reject(new Error('stopped'))
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([work, stopped])
  } catch (error) {
    stopIfAborted(signal)
    throw error
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
