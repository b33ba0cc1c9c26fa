import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ensureFaketime } from './install-toolchains.ts'

/** A clock below a server that stands still until it is turned: libfaketime, which answers the program's calls for the time from a file. */
export interface StandingClock {
  /** For a server whose folder is `folder`. */
  environment(folder: string): Record<string, string>
  /** Turns it. The server sees it at its next look. */
  setTime(moment: Date): void
}

export async function standingClock(start: Date): Promise<StandingClock> {
  const library = await ensureFaketime()
  let file: string | undefined
  const setTime = (moment: Date): void => {
    if (file === undefined) throw new Error('the clock belongs to no server yet')
    // By rename: the server must never read half a time.
    writeFileSync(`${file}.new`, `${moment.toISOString().replace('T', ' ').replace('Z', '')}\n`)
    renameSync(`${file}.new`, file)
  }
  return {
    setTime,
    environment(folder) {
      file = join(folder, 'time')
      setTime(start)
      return {
        LD_PRELOAD: library,
        FAKETIME_TIMESTAMP_FILE: file,
        FAKETIME_NO_CACHE: '1',
        // Timers go on: a long poll ends in real time.
        FAKETIME_DONT_FAKE_MONOTONIC: '1',
        TZ: 'UTC',
      }
    },
  }
}
