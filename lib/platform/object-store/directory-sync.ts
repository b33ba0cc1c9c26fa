/** Makes directory entries durable, with one fsync for all who wait for the same directory at the same time (group commit). */
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { errnoOf } from '../errno.ts'

export class DirectorySync {
  /** The fsync that has not begun yet: whoever changed the directory before it begins may wait for it. */
  readonly #next = new Map<string, Promise<void>>()
  readonly #running = new Map<string, Promise<void>>()

  /** Resolves when every change made to `directory` before this call is durable. A directory that is gone is durable. */
  sync(directory: string): Promise<void> {
    const joined = this.#next.get(directory)
    if (joined !== undefined) return joined
    const before = this.#running.get(directory) ?? Promise.resolve()
    const mine: Promise<void> = before
      .catch(() => undefined) // whoever waited for that one was told
      .then(async () => {
        this.#next.delete(directory)
        this.#running.set(directory, mine)
        try {
          await syncNow(directory)
        } finally {
          if (this.#running.get(directory) === mine) this.#running.delete(directory)
        }
      })
    this.#next.set(directory, mine)
    return mine
  }
}

async function syncNow(directory: string): Promise<void> {
  try {
    const handle = await open(directory, constants.O_RDONLY | constants.O_DIRECTORY)
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return // removed meanwhile, so it was empty: nothing of ours was in it any more
    throw error
  }
}
