/** What lies below a folder, as one digest: names, types, modes, times, targets and bytes. And how far zstd gets with it. */
import { createHash } from 'node:crypto'
import { closeSync, lstatSync, openSync, readSync, readdirSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { constants, zstdCompressSync } from 'node:zlib'
import { byBytes } from './profiles.ts'

export interface HomeDigest {
  readonly entries: number
  readonly bytes: number
  readonly digest: string
  /** Bytes before, by bytes after zstd at level 3 in pieces of 1 MiB, a file at a time. */
  readonly zstdRatio: number
}

const PIECE_BYTES = 2 ** 20

export function digestHome(folder: string): HomeDigest {
  const sum = createHash('sha256')
  const piece = Buffer.alloc(PIECE_BYTES)
  const level = { params: { [constants.ZSTD_c_compressionLevel]: 3 } }
  let [entries, bytes, packed] = [0, 0, 0]
  const visit = (path: string): void => {
    const at = join(folder, path)
    const stat = lstatSync(at)
    const kind = stat.isDirectory() ? 'directory' : stat.isSymbolicLink() ? `link ${readlinkSync(at)}` : 'file'
    const seconds = stat.isSymbolicLink() ? 0 : Math.floor(stat.mtimeMs / 1000)
    sum.update(`${path}\0${kind}\0${stat.mode & 0o7777}\0${seconds}\0`)
    entries++
    if (stat.isDirectory()) for (const name of readdirSync(at).toSorted(byBytes)) visit(join(path, name))
    if (!stat.isFile()) return
    const handle = openSync(at, 'r')
    for (let got = readSync(handle, piece); got > 0; got = readSync(handle, piece)) {
      const part = piece.subarray(0, got)
      sum.update(part)
      bytes += got
      packed += Math.min(got, zstdCompressSync(part, level).length)
    }
    closeSync(handle)
  }
  visit('')
  return { entries, bytes, digest: sum.digest('hex').slice(0, 24), zstdRatio: Math.round((bytes / packed) * 100) / 100 }
}
