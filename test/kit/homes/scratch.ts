/** A folder for one test, removed afterwards whatever was put there (names no shell could say, paths longer than any call takes). */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export function makeScratch(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'toriki-homes-'))
  return {
    path,
    remove() {
      // Node's own removal goes by whole paths and stops at 4,096 bytes; `rm` goes directory by directory.
      if (process.platform === 'win32') rmSync(path, { recursive: true, force: true })
      else {
        // A directory that its owner closed to everybody is closed to `rm` too.
        if (process.geteuid?.() !== 0) execFileSync('chmod', ['-R', 'u+rwX', path])
        execFileSync('rm', ['-rf', '--', path])
      }
    },
  }
}
