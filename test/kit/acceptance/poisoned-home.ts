/** A home that cannot be read: a link stands where the directory should be, as an admin who moved a large home to another disk leaves it. */
import { renameSync, rmSync, symlinkSync } from 'node:fs'
import type { Nebari } from './nebari.ts'

export function poisonedHome({ home, folder }: Nebari, user: string): { poison(): void; mend(): void } {
  const away = `${folder}/other-disk-${user}`
  return {
    poison() {
      renameSync(home(user), away)
      symlinkSync(away, home(user))
    },
    mend() {
      rmSync(home(user))
      renameSync(away, home(user))
    },
  }
}
