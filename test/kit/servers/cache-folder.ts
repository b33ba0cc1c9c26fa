import { closeSync, existsSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { ensureFolder, isAlive } from './owned-process.ts'
import { waitUntil } from './wait-until.ts'

/** Where downloads, optimized builds and database dumps are kept between runs: TORIKI_TEST_CACHE, or ~/.cache/toriki-test. */
export function cacheFolder(): string {
  return ensureFolder(process.env.TORIKI_TEST_CACHE ?? join(homedir(), '.cache', 'toriki-test'))
}

/**
 * Returns the cached path `name`, making it first when it is missing. `make` fills the path it is given, which becomes `name` by one rename:
 * an interrupted `make` leaves no half entry. Test processes side by side make an entry once; the others wait.
 */
export async function cached(name: string, make: (unfinished: string) => Promise<void>): Promise<string> {
  const path = join(cacheFolder(), name)
  if (existsSync(path)) return path
  ensureFolder(join(path, '..'))
  const release = await lock(`${path}.lock`)
  try {
    if (existsSync(path)) return path
    const unfinished = `${path}.unfinished`
    rmSync(unfinished, { recursive: true, force: true })
    await make(unfinished)
    renameSync(unfinished, path)
    return path
  } finally {
    release()
  }
}

/** A lock file that holds its owner's pid; the lock of a dead owner is taken away. */
async function lock(path: string): Promise<() => void> {
  await waitUntil(
    `lock ${path}`,
    () => {
      try {
        const handle = openSync(path, 'wx')
        writeSync(handle, String(process.pid))
        closeSync(handle)
        return true
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
        const owner = Number(readFileSync(path, 'utf8'))
        if (owner > 0 && !isAlive(owner)) rmSync(path, { force: true })
        return undefined
      }
    },
    { timeoutMs: 600_000, everyMs: 250 },
  )
  return () => rmSync(path, { force: true })
}
