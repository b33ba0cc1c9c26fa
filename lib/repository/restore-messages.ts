/** What the two sides of the restore pipeline say to each other: plain fields in typed arrays, for a job has hundreds of files. */
import { CHUNK_ID_BYTES } from './format.ts'
import type { ChunkPlace } from './chunk-index.ts'
import type { ChunkId, ChunkSort } from './chunk-store.ts'
import type { FileToMake } from '../resources/file-making.ts'
import type { VerifyKeys } from './verify-pack.ts'

export type ToRestoreThread =
  | { readonly kind: 'restore-begin'; readonly sliceId: string; readonly keys: VerifyKeys }
  | { readonly kind: 'restore'; readonly number: number; readonly job: EncodedJob }
  | { readonly kind: 'restore-end' }

export interface FromRestoreThread {
  readonly kind: 'restored'
  readonly number: number
  /** Of each target in turn: a handle, or `CLOSED`, `FILLED`, `FAILED`. */
  readonly made: Int32Array
}

export const FAILED = -1
export const CLOSED = -2
export const FILLED = -3

/** A block as it lies in its pack. */
export interface SentBlock {
  readonly sort: ChunkSort
  readonly packId: string
  readonly header: Uint8Array
  readonly number: number
  readonly plainBytes: number
  /** Absent: it was sent with a job before, alone as in this one (`HeldBlocks`). */
  readonly sealed?: Uint8Array
}

/** A chunk, and where in its file it goes. */
export interface Piece {
  /** Which of the job's blocks. */
  readonly block: number
  /** In the block. */
  readonly offset: number
  readonly length: number
  readonly at: number
  readonly id: ChunkId
}

/** What chunks are written to: a file to make, or one that is open. */
export type Target = FileToMake | { readonly handle: number }

/** A target, with what belongs in it. */
export interface Filled {
  readonly target: Target
  readonly chunks: readonly { readonly place: ChunkPlace; readonly id: ChunkId; readonly at: number }[]
}

export interface EncodedJob {
  readonly blocks: readonly SentBlock[]
  /** Each ended by a NUL; empty for an open file. */
  readonly names: string
  /** directory or handle, size, owner, group, mode, is held, pieces */
  readonly numbers: Float64Array
  readonly mtimes: BigInt64Array
  /** block, offset, length, at */
  readonly pieces: Float64Array
  readonly ids: Uint8Array
}

const NUMBERS = 7
const PIECE_NUMBERS = 4

/** `blockOf`: which of the blocks a chunk lies in. */
export function encodeJob(
  blocks: readonly SentBlock[],
  targets: readonly Filled[],
  blockOf: (place: ChunkPlace) => number,
): EncodedJob {
  let count = 0
  for (const { chunks } of targets) count += chunks.length
  const numbers = new Float64Array(targets.length * NUMBERS)
  const mtimes = new BigInt64Array(targets.length)
  const pieces = new Float64Array(count * PIECE_NUMBERS)
  const ids = new Uint8Array(count * CHUNK_ID_BYTES)
  let names = ''
  let piece = 0
  targets.forEach(({ target, chunks }, at) => {
    const first = at * NUMBERS
    numbers[first + 6] = chunks.length
    if ('handle' in target) numbers[first] = target.handle
    else {
      numbers[first] = target.directory
      numbers[first + 1] = target.sizeBytes
      numbers[first + 2] = target.uid
      numbers[first + 3] = target.gid
      numbers[first + 4] = target.mode
      numbers[first + 5] = target.isHeld ? 1 : 0
      mtimes[at] = target.mtimeNs
      names += target.name
    }
    names += '\0'
    for (const { place, id, at: offset } of chunks) {
      pieces[piece * PIECE_NUMBERS] = blockOf(place)
      pieces[piece * PIECE_NUMBERS + 1] = place.offset
      pieces[piece * PIECE_NUMBERS + 2] = place.length
      pieces[piece * PIECE_NUMBERS + 3] = offset
      ids.set(id, piece++ * CHUNK_ID_BYTES)
    }
  })
  return { blocks, names, numbers, mtimes, pieces, ids }
}

export function* decodeTargets({
  names,
  numbers,
  mtimes,
  pieces,
  ids,
}: EncodedJob): Generator<{ readonly target: Target; readonly pieces: readonly Piece[] }> {
  let nameAt = 0
  let piece = 0
  for (let at = 0; at < mtimes.length; at++) {
    const nameEnd = names.indexOf('\0', nameAt)
    const name = names.slice(nameAt, nameEnd)
    nameAt = nameEnd + 1
    const number = (which: number): number => numbers[at * NUMBERS + which] as number
    const own: Piece[] = []
    for (let left = number(6); left > 0; left--) {
      const idAt = piece * CHUNK_ID_BYTES
      own.push({
        block: pieces[piece * PIECE_NUMBERS] as number,
        offset: pieces[piece * PIECE_NUMBERS + 1] as number,
        length: pieces[piece * PIECE_NUMBERS + 2] as number,
        at: pieces[piece * PIECE_NUMBERS + 3] as number,
        id: Buffer.from(ids.buffer, ids.byteOffset + idAt, CHUNK_ID_BYTES),
      })
      piece++
    }
    const target: Target =
      name === ''
        ? { handle: number(0) }
        : {
            ...{ directory: number(0), name, sizeBytes: number(1), uid: number(2), gid: number(3), mode: number(4) },
            ...{ mtimeNs: mtimes[at] as bigint, isHeld: number(5) === 1 },
          }
    yield { target, pieces: own }
  }
}

export function blockName({ packId, number }: { readonly packId: string; readonly number: number }): string {
  return `${packId}/${number}`
}
