/** Calls of the system's C library that Node lacks go through koffi, which is set up once for a thread, before the first of them. */

/** So many calls of one thread are under way at once without costing more than they gain. */
export const CALLS_MAX = 32

/** @throws where koffi has no binary for this system. */
export async function loadKoffi(): Promise<typeof import('koffi').default> {
  const koffi = (await import('koffi')).default
  const config = koffi.config()
  if ((config.resident_async_pools ?? 0) < CALLS_MAX) {
    try {
      // Each call in flight has a small stack of its own; beyond so many it would be made anew for each.
      koffi.config({ ...config, resident_async_pools: CALLS_MAX })
    } catch {
      // Somebody else in this process has loaded a library before: calls in flight cost more then, and nothing else.
    }
  }
  return koffi
}
