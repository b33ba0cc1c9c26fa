/**
 * Reads a home while another process swaps what lies in it for links to a secret outside: nothing outside may ever be yielded. For a bounded
 * number of reads; the long variant gives more of them.
 */
import { readFileSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { filesComponent } from '../../../lib/components/files/component.ts'
import type { Ground } from '../../../lib/components/files/ground.ts'
import { isTorikiError } from '../../../lib/errors.ts'
import { userSlice } from '../../../lib/resources/slice.ts'
import { readSlice } from './read-files.ts'
import { SECRET, underSwaps } from './under-swaps.ts'

export interface HostileOutcome {
  readonly reads: number
  /** Rounds of swaps made meanwhile. */
  readonly swaps: number
  readonly entries: number
  /** Written keys and contents that came from outside: must be none. */
  readonly leaked: readonly string[]
  /** Codes of reads that failed. */
  readonly failed: readonly string[]
  readonly notes: ReadonlySet<string>
}

/** Until so many reads and so many rounds of swaps were made. */
export async function readUnderSwaps(
  ground: Ground,
  least: { readonly reads: number; readonly swaps: number },
): Promise<HostileOutcome> {
  return await underSwaps(async (root, swaps) => {
    const component = filesComponent({ root, home: 'home/{user}', exclude: [], excludeDefaults: true }, { ground })
    const leaked: string[] = []
    const failed: string[] = []
    const notes = new Set<string>()
    let [reads, entries] = [0, 0]
    for (; reads < least.reads || (await swaps()) < least.swaps; reads++) {
      try {
        const read = await readSlice(component, userSlice('ann'))
        for (const note of read.notes) notes.add(note.code)
        for (const entry of read.entries.values()) {
          entries++
          if (entry.path.includes('only-outside')) leaked.push(entry.path)
          if (entry.data?.includes(SECRET) === true) leaked.push(`${entry.path}: ${entry.data.toString()}`)
        }
      } catch (error) {
        if (!isTorikiError(error)) throw error
        failed.push(error.code)
      }
    }
    return { reads, swaps: await swaps(), entries, leaked, failed, notes }
  })
}

/** The same with a reader that trusts paths: says after how many reads it was caught, so that the trap is known to be one. */
export async function naiveReadsUntilCaught(readsMax: number): Promise<number | undefined> {
  return await underSwaps(async (root) => {
    for (let reads = 1; reads <= readsMax; reads++) if (naiveRead(join(root, 'home', 'ann'))) return reads
    return undefined
  })
}

function naiveRead(folder: string): boolean {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name)
    try {
      const stat = statSync(path)
      if (stat.isDirectory() && naiveRead(path)) return true
      if (stat.isFile() && readFileSync(path).includes(SECRET)) return true
    } catch {
      continue // gone by now: that is the game
    }
  }
  return false
}
