/** Does a piece of work in this process as a queue would deliver it: again with a pause while what stops it may pass, so often and no oftener. */
import { isTorikiError, toTorikiError } from '../errors.ts'
import type { RestoreService } from './service.ts'

/** The pause before the second delivery; doubled for each further one. */
const PAUSE_MS = 1_000

/** `attempt` counts from 1. @throws what the last one threw; the signal's reason. */
export async function deliver<T>(
  { platform, limits }: RestoreService,
  signal: AbortSignal,
  act: (attempt: number) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await act(attempt)
    } catch (error) {
      signal.throwIfAborted()
      const { retry } = toTorikiError(error)
      if (retry === 'never' || attempt >= limits.attempts || isTorikiError(error, 'restore-waits')) throw error
      await platform.clock.sleep(PAUSE_MS * 2 ** (attempt - 1), signal)
    }
  }
}
