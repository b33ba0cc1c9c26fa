/**
 * Was this snapshot made by a restore, of what it was about to touch? Its id says so. It holds no whole slice: it is never `latest`, and nothing is compared with it.
 */
export function isSafetySnapshot(id: string): boolean {
  return /^\d{8}T\d{9}Z-restore-/.test(id)
}
