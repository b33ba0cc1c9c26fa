/** Is what came back what was there? Asked of rsync, which knows everything that the tools keep and is none of them. */
import { spawnSync } from 'node:child_process'

/** `content`: two folders, but not what they are themselves, which who was told to archive `.` does not set. @throws with the first differences. */
export function mustBeEqual(wanted: string, found: string, kind: 'folder' | 'content' | 'file'): void {
  const end = kind === 'file' ? '' : '/'
  const flags = ['-aHAXn', '--checksum', '--itemize-changes', ...(kind === 'file' ? [] : ['--delete'])]
  const { stdout, stderr, status } = spawnSync('rsync', [...flags, wanted + end, found + end], {
    encoding: 'latin1',
    maxBuffer: 2 ** 28,
  })
  const differences = kind === 'content' ? stdout.replace(/^\S+ \.\/\n/m, '') : stdout
  if (status === 0 && differences === '' && stderr === '') return
  throw new Error(`${found} is not what ${wanted} is: ${(differences + stderr).slice(0, 2000)}`)
}
