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

/** Type, mode, links, owner, times, inode, size, blocks, birth. */
export const STATX_MASK = 0xfff
const STATX_ATTR_MOUNT_ROOT = 0x2000
const STATX_BYTES = 256

/** Where the kernel puts its answer: `struct statx` (include/uapi/linux/stat.h), one layout on every processor; little-endian here. */
export class StatxAnswer {
  readonly bytes = Buffer.alloc(STATX_BYTES)
  readonly #words = new Uint32Array(this.bytes.buffer, this.bytes.byteOffset, STATX_BYTES / 4)
  readonly #signed = new Int32Array(this.bytes.buffer, this.bytes.byteOffset, STATX_BYTES / 4)
  readonly #longs = new BigUint64Array(this.bytes.buffer, this.bytes.byteOffset, STATX_BYTES / 8)
  /** Of the last entry: nearly all lie on one device. */
  #device = { major: 0, minor: 0, device: 0n }

  /** A copy of it. */
  stat(): EntryStat {
    return new StatxEntry(this)
  }

  word(offset: number): number {
    return this.#words[offset / 4] as number
  }

  /** Exact up to 2^53 − 1. */
  number(offset: number): number {
    return this.word(offset) + this.word(offset + 4) * 2 ** 32
  }

  signedNumber(offset: number): number {
    return this.word(offset) + (this.#signed[offset / 4 + 1] as number) * 2 ** 32
  }

  long(offset: number): bigint {
    return this.#longs[offset / 8] as bigint
  }

  get device(): bigint {
    const [major, minor] = [this.word(136), this.word(140)]
    if (major !== this.#device.major || minor !== this.#device.minor)
      this.#device = { major, minor, device: (BigInt(major) << 32n) | BigInt(minor) }
    return this.#device.device
  }
}

/** A walk looks at every entry and asks few of its times: each is put together when it is asked for. */
class StatxEntry implements EntryStat {
  readonly type: EntryType
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly links: number
  readonly sizeBytes: number
  readonly storedBytes: number
  readonly device: bigint
  readonly inode: bigint
  readonly node: EntryStat['node']
  readonly mountPoint: boolean
  readonly #mtimeSeconds: number
  readonly #mtimeRest: number
  readonly #ctimeSeconds: number
  readonly #ctimeRest: number
  readonly #bornSeconds: number
  readonly #bornRest: number
  #mtimeNs: bigint | undefined
  #ctimeNs: bigint | undefined

  constructor(answer: StatxAnswer) {
    const mode = answer.word(28) & 0xffff
    this.type = entryType(mode)
    this.mode = mode & 0o7777
    this.uid = answer.word(20)
    this.gid = answer.word(24)
    this.links = answer.word(16)
    this.sizeBytes = answer.number(40)
    this.storedBytes = answer.number(48) * BLOCK_BYTES
    this.device = answer.device
    this.inode = answer.long(32)
    this.node =
      this.type === 'character-device' || this.type === 'block-device'
        ? { major: answer.word(128), minor: answer.word(132) }
        : NO_NODE
    this.mountPoint = (answer.word(8) & STATX_ATTR_MOUNT_ROOT) !== 0
    this.#bornSeconds = answer.signedNumber(80)
    this.#bornRest = answer.word(88)
    this.#ctimeSeconds = answer.signedNumber(96)
    this.#ctimeRest = answer.word(104)
    this.#mtimeSeconds = answer.signedNumber(112)
    this.#mtimeRest = answer.word(120)
  }

  get mtimeNs(): bigint {
    return (this.#mtimeNs ??= nanoseconds(this.#mtimeSeconds, this.#mtimeRest))
  }

  get ctimeNs(): bigint {
    return (this.#ctimeNs ??= nanoseconds(this.#ctimeSeconds, this.#ctimeRest))
  }

  get bornNs(): bigint {
    return nanoseconds(this.#bornSeconds, this.#bornRest)
  }
}

/** Exact: no file system has more seconds than a double has digits. */
function nanoseconds(seconds: number, rest: number): bigint {
  return BigInt(seconds) * 1_000_000_000n + BigInt(rest)
}
