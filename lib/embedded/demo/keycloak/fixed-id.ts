/** Ids and hashes that are the same in every start with the same seed. */
import { createHash } from 'node:crypto'

/** A uuid (as of version 4) made of words. */
export function fixedId(...words: readonly string[]): string {
  const hex = fixedBytes(...words).toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    '-',
  )
}

export function fixedBytes(...words: readonly string[]): Buffer {
  return createHash('sha256').update(JSON.stringify(words)).digest()
}
