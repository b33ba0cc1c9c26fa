/** What is stored and cannot be read any more: it is refused by name, and everything else is restored. */
import { isTorikiError, TorikiError } from '../errors.ts'

/** Of something that is stored: damaged, swapped, cut or gone. Not what another try could change. */
export function isDamage(error: unknown): error is TorikiError {
  return (
    isTorikiError(error, 'seal-broken') ||
    isTorikiError(error, 'object-not-found') ||
    isTorikiError(error, 'snapshot-not-found') ||
    isTorikiError(error, 'format-newer')
  )
}

/** @throws TorikiError `restore-damaged`, so that damage is told from what the target lacks; what `read` throws else. */
export async function readStored<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (error) {
    throw asDamaged(error)
  }
}

/** @throws TorikiError `restore-damaged`; what `parts` throws else. */
export async function* storedParts<T>(parts: AsyncIterable<T>): AsyncGenerator<T> {
  const reading = parts[Symbol.asyncIterator]()
  try {
    for (;;) {
      const { done, value } = await readStored(() => reading.next())
      if (done === true) return
      yield value
    }
  } finally {
    await reading.return?.()
  }
}

/** `undefined` for `restore-damaged`. @throws what `reading` throws else. */
export async function unlessDamaged<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading
  } catch (error) {
    if (isTorikiError(error, 'restore-damaged')) return undefined
    throw error
  }
}

function asDamaged(error: unknown): unknown {
  return isDamage(error) ? new TorikiError('restore-damaged', { cause: error }) : error
}
