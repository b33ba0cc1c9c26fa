/**
 * A zip of a few files that is the same bytes for the same files, whenever and wherever it is made: no times, no owners, names in order. So a deployment that changes
 * nothing uploads nothing. Only what a function's package needs: deflate, no folders, no zip64.
 */
import assert from 'node:assert/strict'
import { crc32, deflateRawSync } from 'node:zlib'

export interface ZipFile {
  /** With slashes, relative. */
  readonly name: string
  readonly bytes: Uint8Array
}

const VERSION = 20
const UTF8_NAMES = 0x0800
const DEFLATE = 8
/** 1 January 1980, the first day a zip knows. */
const DATE = 0x0021
/** Made on Unix; an ordinary file that everybody may read: the host runs as another user. */
const MADE_BY = (3 << 8) | VERSION
const MODE = 0o100644 * 0x1_0000
const BYTES_MAX = 0xffff_ffff

/** The same bytes go into the zip of every function: they are deflated once. */
const deflated = new WeakMap<Uint8Array, Buffer>()

export function zip(files: readonly ZipFile[]): Buffer {
  const parts: Buffer[] = []
  const directory: Buffer[] = []
  let offset = 0
  for (const { name, bytes } of files.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const data = deflated.get(bytes) ?? deflateRawSync(bytes, { level: 9 })
    deflated.set(bytes, data)
    const nameBytes = Buffer.from(name, 'utf8')
    const common = Buffer.alloc(26)
    common.writeUInt16LE(VERSION, 0)
    common.writeUInt16LE(UTF8_NAMES, 2)
    common.writeUInt16LE(DEFLATE, 4)
    common.writeUInt16LE(DATE, 8)
    common.writeUInt32LE(crc32(bytes), 10)
    common.writeUInt32LE(data.length, 14)
    common.writeUInt32LE(bytes.length, 18)
    common.writeUInt16LE(nameBytes.length, 22)
    const place = Buffer.alloc(14)
    place.writeUInt32LE(MODE, 6)
    place.writeUInt32LE(offset, 10)
    directory.push(Buffer.concat([signature('PK\x01\x02'), word(MADE_BY), common, place, nameBytes]))
    const local = Buffer.concat([signature('PK\x03\x04'), common, nameBytes, data])
    parts.push(local)
    offset += local.length
    assert(offset < BYTES_MAX && files.length < 0xffff, 'a package is small enough for a plain zip')
  }
  const central = Buffer.concat(directory)
  const end = Buffer.alloc(18)
  end.writeUInt16LE(files.length, 4)
  end.writeUInt16LE(files.length, 6)
  end.writeUInt32LE(central.length, 8)
  end.writeUInt32LE(offset, 12)
  return Buffer.concat([...parts, central, signature('PK\x05\x06'), end])
}

function signature(text: string): Buffer {
  return Buffer.from(text, 'latin1')
}

function word(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16LE(value)
  return bytes
}
