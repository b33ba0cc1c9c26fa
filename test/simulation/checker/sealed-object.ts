/** Opens sealed objects as docs/format.md, "Sealing", says. Shares no code with what writes them. */
import { createDecipheriv, hkdfSync } from 'node:crypto'

export const kinds = {
  deployment: 1,
  owner: 4,
  pack: 5,
  treePack: 6,
  index: 7,
  snapshot: 8,
  checkpoint: 9,
  condemned: 10,
  mark: 11,
  runRecord: 13,
  restoreRecord: 14,
  packTable: 16,
  inlineContent: 17,
  nextGeneration: 18,
} as const

export const HEADER_BYTES = 72
export const TAG_BYTES = 16

export function hkdf(
  secret: Uint8Array,
  info: string | Uint8Array,
  length: number,
  salt: Uint8Array = Buffer.alloc(0),
): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, salt, info, length))
}

/** One object's records, by number. */
export interface RecordOpener {
  open(number: number, sealed: Buffer, last: boolean): Buffer
}

/** @throws Error in words when header, kind or key do not fit. */
export function openHeader(header: Buffer, kind: number, path: string, parentKey: Buffer): RecordOpener {
  if (header.length < HEADER_BYTES || header.toString('latin1', 0, 6) !== 'toriki')
    throw new Error('does not begin with the magic')
  const version = header.readUInt8(6)
  if (version !== 1) throw new Error(`has version ${version}`)
  if (header.readUInt8(7) !== kind) throw new Error(`has kind ${header.readUInt8(7)} instead of ${kind}`)
  const info = Buffer.concat([Buffer.from('toriki seal', 'latin1'), Buffer.of(kind, version)])
  const derived = hkdf(parentKey, info, 64, header.subarray(8, 40))
  if (!derived.subarray(32).equals(header.subarray(40, 72))) throw new Error('does not commit to this key')
  const name = Buffer.from(path, 'utf8')
  return {
    open(number, sealed, last) {
      const additional = Buffer.alloc(2 + name.length + 11)
      additional.writeUInt16BE(name.length, 0)
      name.copy(additional, 2)
      additional.writeUInt8(kind, 2 + name.length)
      additional.writeUInt8(version, 3 + name.length)
      additional.writeUInt8(last ? 1 : 0, 4 + name.length)
      additional.writeBigUInt64BE(BigInt(number), 5 + name.length)
      const nonce = Buffer.alloc(12)
      nonce.writeBigUInt64BE(BigInt(number), 4)
      const decipher = createDecipheriv('aes-256-gcm', derived.subarray(0, 32), nonce, { authTagLength: TAG_BYTES })
      decipher.setAAD(additional)
      decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES))
      return Buffer.concat([decipher.update(sealed.subarray(0, sealed.length - TAG_BYTES)), decipher.final()])
    },
  }
}

/** All records of an object that is read whole. @throws Error in words. */
export function openSealed(bytes: Buffer, kind: number, path: string, parentKey: Buffer): Buffer[] {
  const opener = openHeader(bytes, kind, path, parentKey)
  const records: Buffer[] = []
  let at = HEADER_BYTES
  for (;;) {
    if (at + 4 > bytes.length) throw new Error('ends before its last record')
    const frame = bytes.readUInt32BE(at)
    const last = (frame & 0x80000000) !== 0
    const end = at + 4 + (frame & 0x7fffffff) + TAG_BYTES
    if (end > bytes.length) throw new Error('ends inside a record')
    records.push(opener.open(records.length, bytes.subarray(at + 4, end), last))
    at = end
    if (last) break
  }
  if (at !== bytes.length) throw new Error('goes on behind its last record')
  return records
}
