/**
 * The system's code of a failed call of the file system (`ENOENT`, …), or undefined for anything else. Told by its members, not by its class: under
 * jest, errors of Node's own modules are of another realm's `Error`.
 */
export function errnoOf(error: unknown): string | undefined {
  const made = typeof error === 'object' && error !== null && 'syscall' in error && 'code' in error
  return made && typeof error.code === 'string' ? error.code : undefined
}
