/** Blocks, packs and index objects, as docs/format.md, "Blocks, packs, index", says. */
import { zstdDecompressSync } from 'node:zlib'
import { ByteCursor } from './byte-cursor.ts'
import { exportParentKey } from './hpke-export.ts'
import { base32, chunkIdOf } from './keys.ts'
import type { SliceSecrets } from './keys.ts'
import { HEADER_BYTES, kinds, openHeader, openSealed } from './sealed-object.ts'

export interface PackTable {
  readonly sort: 'content' | 'tree'
  readonly packId: string
  readonly header: Buffer
  readonly blocks: readonly {
    readonly offset: number
    readonly sealedBytes: number
    readonly plainBytes: number
    readonly chunks: readonly { readonly id: string; readonly offset: number; readonly length: number }[]
  }[]
}

export function parseTable(bytes: Buffer): PackTable {
  const cursor = new ByteCursor(bytes)
  const sort = cursor.byte()
  if (sort > 1) throw new Error('has a sort that there is not')
  const packId = base32(cursor.take(16))
  const header = cursor.take(cursor.byte())
  let offset = header.length
  const blocks = Array.from({ length: cursor.uint32() }, () => {
    const block = { offset, sealedBytes: cursor.uint32(), plainBytes: cursor.uint32() }
    offset += block.sealedBytes
    let at = 0
    const chunks = Array.from({ length: cursor.uint32() }, () => {
      const chunk = { id: cursor.take(32).toString('hex'), offset: at, length: cursor.uint32() }
      at += chunk.length
      return chunk
    })
    if (at !== block.plainBytes) throw new Error('has a block whose chunks do not fill it')
    return { ...block, chunks }
  })
  cursor.end()
  return { sort: sort === 0 ? 'content' : 'tree', packId, header, blocks }
}

export function unpackBlock(block: Buffer, plainBytes: number): Buffer {
  const plain = block[0] === 1 ? zstdDecompressSync(block.subarray(1)) : block.subarray(1)
  if ((block[0] ?? 2) > 1 || plain.length !== plainBytes)
    throw new Error('has a block that does not unpack to its length')
  return plain
}

/** The pack's own table; proves that it fills the pack. */
export function readPackTable(bytes: Buffer, path: string, secrets: SliceSecrets): PackTable {
  const length = bytes.readUInt32BE(bytes.length - 4)
  const at = bytes.length - 4 - length
  if (at < HEADER_BYTES) throw new Error('has no table')
  const [record, ...more] = openSealed(bytes.subarray(at, bytes.length - 4), kinds.packTable, path, secrets.treeKey)
  if (record === undefined || more.length > 0) throw new Error('has a table of several records')
  const table = parseTable(record)
  if (!table.header.equals(bytes.subarray(0, table.header.length))) throw new Error('has a table with another header')
  if (table.blocks.reduce((end, { sealedBytes }) => end + sealedBytes, table.header.length) !== at)
    throw new Error('has blocks that do not fill it')
  if (!path.endsWith(`/${table.packId}`)) throw new Error('has the table of another pack')
  return table
}

/** Every chunk of the pack, each proven by its id. */
export function openPack(bytes: Buffer, path: string, table: PackTable, secrets: SliceSecrets): Map<string, Buffer> {
  const { sort, header } = table
  const opener = openHeader(
    header,
    sort === 'content' ? kinds.pack : kinds.treePack,
    path,
    sort === 'content' ? contentParentKey(header, path, secrets) : secrets.treeKey,
  )
  const chunks = new Map<string, Buffer>()
  for (const [number, { offset, sealedBytes, plainBytes, chunks: listed }] of table.blocks.entries()) {
    const plain = unpackBlock(opener.open(number, bytes.subarray(offset, offset + sealedBytes), false), plainBytes)
    for (const { id, offset: begin, length } of listed) {
      const chunk = plain.subarray(begin, begin + length)
      if (chunkIdOf(secrets, chunk) !== id) throw new Error('holds a chunk that is not the one its id says')
      chunks.set(id, chunk)
    }
  }
  return chunks
}

function contentParentKey(header: Buffer, path: string, { contentPrivateKey }: SliceSecrets): Buffer {
  if (contentPrivateKey === undefined) throw new Error('is locked')
  return exportParentKey(
    header.subarray(HEADER_BYTES, HEADER_BYTES + 32),
    contentPrivateKey,
    Buffer.from(`toriki content\0${path}`),
  )
}

export function readIndex(
  bytes: Buffer,
  path: string,
  secrets: SliceSecrets,
): { readonly supersedes: readonly string[]; readonly tables: readonly PackTable[] } {
  const [head, ...tables] = openSealed(bytes, kinds.index, path, secrets.treeKey)
  const { supersedes } = JSON.parse(String(head)) as { supersedes: string[] }
  return { supersedes, tables: tables.map(parseTable) }
}
