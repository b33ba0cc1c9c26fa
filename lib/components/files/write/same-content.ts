/** Is a live file, byte for byte, what is stored? Asked only where its size and times cannot tell. */
import { readSync } from 'node:fs'
import type { Wanted } from '../../../resources/change.ts'
import type { Directory } from '../directory.ts'
import type { EntryStat } from '../entry-stat.ts'
import type { Pace } from '../pace.ts'
import { call } from '../system-failure.ts'

const READ_BYTES = 256 * 1024
const ZEROS = Buffer.alloc(READ_BYTES)

/** @throws SystemFailure. */
export async function isSameContent(
  parent: Directory,
  name: string,
  stat: EntryStat,
  content: NonNullable<Wanted['content']>,
  pace: Pace,
): Promise<boolean> {
  if (content.sizeBytes !== stat.sizeBytes) return false
  const file = parent.openFile(name, stat)
  const buffer = Buffer.alloc(READ_BYTES)
  try {
    let at = 0
    for await (const part of content.parts()) {
      const bytes = part instanceof Uint8Array ? part.length : part.holeBytes
      for (let done = 0; done < bytes;) {
        if (pace.isDue()) await pace.breathe()
        const wanted = Math.min(READ_BYTES, bytes - done)
        const got = call(() => readSync(file.handle, buffer, 0, wanted, at + done))
        const stored = part instanceof Uint8Array ? part.subarray(done, done + got) : ZEROS.subarray(0, got)
        if (got === 0 || buffer.compare(stored, 0, stored.length, 0, got) !== 0) return false
        done += got
      }
      at += bytes
    }
    return at === stat.sizeBytes
  } finally {
    file.close()
  }
}
