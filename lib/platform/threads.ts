/** Threads of this process for work that takes a whole core, as an argument: who has none works on the thread at hand. */

export interface Threads {
  readonly count: number
  /** Room for one more piece of work of several messages? `undefined`: enough goes on side by side; else called back when it is done. */
  enter(): Work | undefined
}

/** One piece of work, on as many threads as it has use for. Messages to a thread arrive in order, and so do its answers. */
export interface Work {
  /** Starts the thread if need be. */
  post(thread: number, message: unknown, transfer?: readonly ArrayBuffer[]): void
  onMessage(receive: (thread: number, message: unknown) => void): void
  /** That thread died, with everything that this work had on it. */
  onFailure(fail: (thread: number, error: unknown) => void): void
  /** Nothing is sent or received afterwards. Idempotent. */
  leave(): void
}
