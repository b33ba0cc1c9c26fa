/** What the two sides of the pipeline say to each other: plain fields in typed arrays, for a batch has hundreds of files. */
import type { FileOutcome, FileStretch, SlowFiles } from '../resources/file-reading.ts'
import type { FinishedPack } from './pack-writer.ts'
import type { SliceKeys } from './chunk-store.ts'
import type { SharedTables } from './chunk-table.ts'

export type ToThread =
  | {
      readonly kind: 'begin'
      readonly sliceId: string
      readonly keys: Omit<SliceKeys, 'contentPrivateKey'>
      /** Absent: chunks are named and not stored. */
      readonly table?: SharedTables | undefined
      /** As far as it was measured before. */
      readonly slow: SlowFiles | undefined
    }
  | { readonly kind: 'table'; readonly table: SharedTables }
  | { readonly kind: 'read'; readonly batch: EncodedStretches }
  /** Closes the pack begun, and answers `finished`; or forgets it. */
  | { readonly kind: 'finish' | 'drop' }

export type FromThread =
  | { readonly kind: 'pack'; readonly pack: FinishedPack }
  | { readonly kind: 'read'; readonly answer: EncodedAnswers }
  | { readonly kind: 'finished' }
  | { readonly kind: 'failed'; readonly message: string }

const NUMBERS = 4
const BIG_NUMBERS = 4

export interface EncodedStretches {
  /** Each ended by a NUL: one text is sent sooner than hundreds. */
  readonly names: string
  /** directory, size, from, to */
  readonly numbers: Float64Array
  /** device, inode, modification time, change time */
  readonly bigNumbers: BigInt64Array
}

export function encodeStretches(stretches: readonly FileStretch[]): EncodedStretches {
  const numbers = new Float64Array(stretches.length * NUMBERS)
  const bigNumbers = new BigInt64Array(stretches.length * BIG_NUMBERS)
  let names = ''
  stretches.forEach((one, at) => {
    numbers[at * NUMBERS] = one.directory
    numbers[at * NUMBERS + 1] = one.sizeBytes
    numbers[at * NUMBERS + 2] = one.fromBytes
    numbers[at * NUMBERS + 3] = one.toBytes
    bigNumbers[at * BIG_NUMBERS] = one.device
    bigNumbers[at * BIG_NUMBERS + 1] = one.inode
    bigNumbers[at * BIG_NUMBERS + 2] = one.mtimeNs
    bigNumbers[at * BIG_NUMBERS + 3] = one.ctimeNs
    names += `${one.name}\0`
  })
  return { names, numbers, bigNumbers }
}

export function* decodeStretches({ names, numbers, bigNumbers }: EncodedStretches): Generator<FileStretch> {
  let nameAt = 0
  for (let at = 0; nameAt < names.length; at++) {
    const nameEnd = names.indexOf('\0', nameAt)
    const name = names.slice(nameAt, nameEnd)
    nameAt = nameEnd + 1
    yield {
      directory: numbers[at * NUMBERS] as number,
      name,
      sizeBytes: numbers[at * NUMBERS + 1] as number,
      fromBytes: numbers[at * NUMBERS + 2] as number,
      toBytes: numbers[at * NUMBERS + 3] as number,
      // As the kernel has them: without a sign.
      device: BigInt.asUintN(64, bigNumbers[at * BIG_NUMBERS] as bigint),
      inode: BigInt.asUintN(64, bigNumbers[at * BIG_NUMBERS + 1] as bigint),
      mtimeNs: bigNumbers[at * BIG_NUMBERS + 2] as bigint,
      ctimeNs: bigNumbers[at * BIG_NUMBERS + 3] as bigint,
    }
  }
}

export interface EncodedAnswers {
  readonly outcomes: readonly FileOutcome[]
  readonly readBytes: Float64Array
  /** Of each stretch. */
  readonly chunkCounts: Uint32Array
  /** Of all chunks, one stretch behind the other. */
  readonly ids: Uint8Array
  readonly lengths: Uint32Array
  /** 1: it was known before. */
  readonly known: Uint8Array
  /** Of the stretches that have any. */
  readonly details: readonly (readonly [at: number, details: unknown])[]
}
