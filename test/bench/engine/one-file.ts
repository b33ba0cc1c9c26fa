import { lstatSync } from 'node:fs'
import { join } from 'node:path'
import { filesBelow } from '../../kit/made-homes/profiles.ts'

/** The path of the file that is restored alone: the one whose size is nearest to `bytes`. */
export function fileNear(home: string, bytes = 2 ** 20): string {
  const distance = (path: string): number => Math.abs(lstatSync(join(home, path)).size - bytes)
  const [first = '', ...others] = filesBelow(home)
  let [best, least] = [first, distance(first)]
  for (const path of others) {
    const far = distance(path)
    if (far < least) [best, least] = [path, far]
  }
  return best
}
