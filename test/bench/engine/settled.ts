import { lstatSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { filesBelow } from '../../kit/made-homes/profiles.ts'

/** What changed less than a minute ago may change again and look the same, so nobody who is careful takes it for unchanged (lib/components/files/hint.ts). */
const SETTLED_MS = 61_000

/** Waits until every file counts as unchanged by its change time alone. */
export async function settled(home: string, say: (line: string) => void): Promise<void> {
  let newestMs = 0
  for (const path of filesBelow(home)) newestMs = Math.max(newestMs, lstatSync(join(home, path)).ctimeMs)
  const waitMs = newestMs + SETTLED_MS - Date.now()
  if (waitMs <= 0) return
  say(`waits ${(waitMs / 1000).toFixed(0)} s, until what was made counts as unchanged`)
  await sleep(waitMs)
}
