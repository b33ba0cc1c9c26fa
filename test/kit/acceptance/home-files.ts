/**
 * What lies below a directory, read with the plainest of calls and none of the product's: the other side of "everything is in the snapshot". Nobody
 * writes there meanwhile.
 */
import { createHash } from 'node:crypto'
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** Path below the directory (bytes as latin1; the directory itself is `.`) → what is there: type, mode, and a digest of the content or the target. */
export type FileMap = ReadonlyMap<string, string>

export function homeFiles(home: string): FileMap {
  const found = new Map<string, string>()
  const base = Buffer.from(home)
  const walk = (path: Buffer): void => {
    const at = path.length === 0 ? base : Buffer.concat([base, Buffer.from('/'), path])
    const stat = lstatSync(at)
    const mode = (stat.mode & 0o7777).toString(8).padStart(4, '0')
    const name = path.length === 0 ? '.' : path.toString('latin1')
    if (stat.isSymbolicLink()) found.set(name, `link ${readlinkSync(at, 'latin1')}`)
    else if (stat.isFile()) found.set(name, `file ${mode} ${digest(readFileSync(at))}`)
    else if (stat.isDirectory()) {
      found.set(name, `directory ${mode}`)
      for (const entry of readdirSync(at, { encoding: 'buffer' }))
        walk(path.length === 0 ? entry : Buffer.concat([path, Buffer.from('/'), entry]))
    } else found.set(name, 'special')
  }
  walk(Buffer.alloc(0))
  return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)))
}

export function digest(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('hex').slice(0, 32)
}
