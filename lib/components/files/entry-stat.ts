/** What the file system says of one entry: the same shape whichever call was asked. Only `sameEntry` compares identities; device and inode never leave this room. */
import type { BigIntStats } from 'node:fs'

export type EntryType =
  | 'directory'
  | 'file'
  | 'link'
  | 'fifo'
  | 'socket'
  | 'character-device'
  | 'block-device'
  | 'unknown'

export interface EntryStat {
  readonly type: EntryType
  /** Permission bits with set-id and sticky: `mode & 0o7777`. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** Names of this inode. */
  readonly links: number
  /** Exact up to 2^53 − 1; a larger one (a sparse file of exbibytes) is not exact. */
  readonly sizeBytes: number
  /** What it takes on the disk, as far as the file system tells. */
  readonly storedBytes: number
  readonly mtimeNs: bigint
  readonly ctimeNs: bigint
  /** 0 where the file system keeps none. */
  readonly bornNs: bigint
  readonly device: bigint
  readonly inode: bigint
  /** Of a device node. */
  readonly node: { readonly major: number; readonly minor: number }
  /** Another file system is mounted here (told by `statx` only; otherwise a different `device` tells). */
  readonly mountPoint: boolean
}

const BLOCK_BYTES = 512
const TYPES: Readonly<Record<number, EntryType>> = {
  0o040000: 'directory',
  0o100000: 'file',
  0o120000: 'link',
  0o010000: 'fifo',
  0o140000: 'socket',
  0o020000: 'character-device',
  0o060000: 'block-device',
}

export function entryType(mode: number): EntryType {
  return TYPES[mode & 0o170000] ?? 'unknown'
}

/** The same thing in the same place: nothing was put in its stead between two looks. */
export function sameEntry(one: EntryStat, two: EntryStat): boolean {
  return one.inode === two.inode && one.device === two.device && one.type === two.type
}

/** Untouched between two looks, as far as a file system tells. */
export function unchanged(one: EntryStat, two: EntryStat): boolean {
  return one.sizeBytes === two.sizeBytes && one.mtimeNs === two.mtimeNs && one.ctimeNs === two.ctimeNs
}

/** Node's own answer (`bigint: true`) in our shape. */
export function fromNodeStats(stats: BigIntStats): EntryStat {
  const mode = Number(stats.mode)
  return {
    type: entryType(mode),
    mode: mode & 0o7777,
    uid: Number(stats.uid),
    gid: Number(stats.gid),
    links: Number(stats.nlink),
    sizeBytes: Number(stats.size),
    storedBytes: Number(stats.blocks ?? 0n) * BLOCK_BYTES,
    mtimeNs: stats.mtimeNs,
    ctimeNs: stats.ctimeNs,
    bornNs: stats.birthtimeNs,
    device: stats.dev,
    inode: stats.ino,
    node: splitDevice(stats.rdev),
    mountPoint: false,
  }
}

/** Linux's encoding of a device number (`gnu_dev_major`, `gnu_dev_minor` of glibc). */
function splitDevice(device: bigint): EntryStat['node'] {
  if (device === 0n) return NO_NODE
  return {
    major: Number(((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xfffff000n)),
    minor: Number((device & 0xffn) | ((device >> 12n) & 0xffffff00n)),
  }
}

const NO_NODE = { major: 0, minor: 0 }

/** Length of the kernel's answer to `statx`. */
export const STATX_BYTES = 256
/** Type, mode, links, owner, times, inode, size, blocks, birth. */
export const STATX_MASK = 0xfff
const STATX_ATTR_MOUNT_ROOT = 0x2000

/** `struct statx` (include/uapi/linux/stat.h): one layout on every processor; little-endian here. */
export function fromStatx(bytes: Buffer): EntryStat {
  const mode = bytes.readUInt16LE(28)
  const type = entryType(mode)
  return {
    type,
    mode: mode & 0o7777,
    uid: bytes.readUInt32LE(20),
    gid: bytes.readUInt32LE(24),
    links: bytes.readUInt32LE(16),
    sizeBytes: bytes.readUInt32LE(40) + bytes.readUInt32LE(44) * 2 ** 32,
    storedBytes: (bytes.readUInt32LE(48) + bytes.readUInt32LE(52) * 2 ** 32) * BLOCK_BYTES,
    mtimeNs: timestamp(bytes, 112),
    ctimeNs: timestamp(bytes, 96),
    bornNs: timestamp(bytes, 80),
    device: (BigInt(bytes.readUInt32LE(136)) << 32n) | BigInt(bytes.readUInt32LE(140)),
    inode: bytes.readBigUInt64LE(32),
    node:
      type === 'character-device' || type === 'block-device'
        ? { major: bytes.readUInt32LE(128), minor: bytes.readUInt32LE(132) }
        : NO_NODE,
    mountPoint: (bytes.readUInt32LE(8) & STATX_ATTR_MOUNT_ROOT) !== 0,
  }
}

function timestamp(bytes: Buffer, at: number): bigint {
  return bytes.readBigInt64LE(at) * 1_000_000_000n + BigInt(bytes.readUInt32LE(at + 8))
}
