/** A home of very many very small files. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Random } from '../../../lib/platform/random.ts'

const IN_A_FOLDER = 1_000
const BYTES_MAX = 300

/** Empty to 300 bytes each, each another, 1,000 in a folder. */
export function makeManyFiles(home: string, count: number, random: Random): void {
  const text = random.bytes(BYTES_MAX).toString('base64')
  let folder = home
  for (let at = 0; at < count; at++) {
    if (at % IN_A_FOLDER === 0) {
      folder = join(home, `folder-${String(at / IN_A_FOLDER).padStart(5, '0')}`)
      mkdirSync(folder, { recursive: true })
    }
    const bytes = Math.floor(random.fraction() * (BYTES_MAX + 1))
    writeFileSync(join(folder, `file-${at}.txt`), `${at} ${text}`.slice(0, bytes))
  }
}
