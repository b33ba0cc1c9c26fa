/** Reads records that never change once they are there, and remembers the last of them: every slice of a restore asks for the same few. */
import type * as z from 'zod'
import type { SealedRecords } from '../repository/repository.ts'

/** A list of slices is in parts of a thousand. */
const REMEMBERED_MAX = 32

const memory = new WeakMap<SealedRecords, Map<string, unknown>>()

/** `undefined` when it is not there yet. @throws what reading throws. */
export async function readRemembered<T>(
  records: SealedRecords,
  path: string,
  schema: z.ZodType<T>,
): Promise<T | undefined> {
  const known = memory.get(records) ?? new Map<string, unknown>()
  memory.set(records, known)
  const before = known.get(path)
  if (before !== undefined) return before as T
  const value = await records.read(path)
  if (value === undefined) return undefined
  const parsed = schema.parse(value)
  const [oldest] = known.keys()
  if (known.size >= REMEMBERED_MAX && oldest !== undefined) known.delete(oldest)
  known.set(path, parsed)
  return parsed
}
