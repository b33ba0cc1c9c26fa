/** Proves packs: whole ones with every block and chunk, or the table alone. */
import { TorikiError } from '../errors.ts'
import { decodeBlock } from './compression.ts'
import { giveBack } from './give-back.ts'
import { chunkId } from './keys.ts'
import { packPath } from './object-paths.ts'
import { openPack } from './pack-seal.ts'
import { packHeaderBytes, readPackTable, readPackTableHead } from './pack-table.ts'
import { openObject } from './seal.ts'
import type { ChunkSort, SliceKeys } from './chunk-store.ts'
import type { Opener } from './seal.ts'

export const TRAILER_BYTES = 4

export type VerifyKeys = Pick<SliceKeys, 'chunkIdKey' | 'treeKey' | 'contentPrivateKey'>

export interface PackPlace {
  readonly sliceId: string
  readonly sort: ChunkSort
  readonly packId: string
}

/**
 * Proves a whole pack: every block opens, every chunk has its id, nothing is missing or left over. Gives its table.
 * @throws TorikiError `seal-broken`, `format-newer`, `content-locked`.
 */
export function verifyPack(keys: VerifyKeys, place: PackPlace, bytes: Buffer): Buffer {
  const { sliceId, sort, packId } = place
  const path = packPath(sliceId, sort, packId)
  if (bytes.length < packHeaderBytes(sort) + TRAILER_BYTES) throw brokenPack(path)
  const begin = tableBegin(path, bytes.subarray(-TRAILER_BYTES), bytes.length)
  const table = openPackTable(keys, place, bytes.subarray(begin, -TRAILER_BYTES))
  const pack = readPackTableHead(table)
  if (!pack.header.equals(bytes.subarray(0, pack.header.length))) throw brokenPack(path)
  const opener = openPack(keys, sliceId, pack)
  let plain: Buffer = Buffer.alloc(0)
  let end = pack.header.length
  readPackTable(table, {
    block: ({ number, offset, sealedBytes, plainBytes }) => {
      end = offset + sealedBytes
      giveBack(plain)
      plain = openBlock(opener, number, bytes.subarray(offset, end), plainBytes)
    },
    chunk: (from, idAt, offset, length) => {
      const id = chunkId(keys.chunkIdKey, plain.subarray(offset, offset + length))
      if (id.compare(from, idAt, idAt + id.length) !== 0) throw brokenPack(path)
    },
  })
  giveBack(plain)
  if (end !== begin) throw brokenPack(path)
  return table
}

/** A block's plaintext, in memory that nobody else looks at. @throws TorikiError `seal-broken`. */
export function openBlock(opener: Opener, number: number, sealed: Buffer, plainBytes: number): Buffer {
  const opened = opener.open(number, sealed)
  const plain = decodeBlock(opened, plainBytes)
  if (plain.buffer !== opened.buffer) giveBack(opened)
  return plain
}

/** The table as it stands, sealed, before the trailer. @throws TorikiError `seal-broken`. */
export function openPackTable(
  keys: Pick<SliceKeys, 'treeKey'>,
  { sliceId, sort, packId }: PackPlace,
  bytes: Buffer,
): Buffer {
  const path = packPath(sliceId, sort, packId)
  const [table, ...more] = openObject({ parentKey: keys.treeKey, kind: 'pack-table', path, bytes })
  if (table === undefined || more.length > 0) throw brokenPack(path)
  const pack = readPackTableHead(table)
  if (pack.packId !== packId || pack.sort !== sort) throw brokenPack(path)
  return table
}

/** Where the table begins, by the last bytes of a pack of `sizeBytes`. @throws TorikiError `seal-broken`. */
export function tableBegin(path: string, trailer: Buffer, sizeBytes: number): number {
  if (trailer.length !== TRAILER_BYTES) throw brokenPack(path)
  const begin = sizeBytes - TRAILER_BYTES - trailer.readUInt32BE()
  if (begin < 0) throw brokenPack(path)
  return begin
}

export function brokenPack(path: string): TorikiError {
  return new TorikiError('seal-broken', { ids: { object: path } })
}
