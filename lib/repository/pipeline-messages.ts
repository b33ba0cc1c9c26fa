/** What the two sides of the pipeline say to each other: plain fields in typed arrays, for a batch has hundreds of files. */
import type { FileOutcome, FileStretch, FileToRead, SlowFiles } from '../resources/file-reading.ts'
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

/** Stretches of a batch, written as they are sent when they come: no object is kept of each. */
export class StretchRow {
  count = 0
  readonly #room: number
  readonly #numbers: Float64Array
  readonly #bigNumbers: BigInt64Array
  #names = ''

  constructor(room: number) {
    this.#room = room
    this.#numbers = new Float64Array(room * NUMBERS)
    this.#bigNumbers = new BigInt64Array(room * BIG_NUMBERS)
  }

  add(file: FileToRead, fromBytes: number, toBytes: number): void {
    const [numbers, bigNumbers] = [this.#numbers, this.#bigNumbers]
    const at = this.count * NUMBERS
    numbers[at] = file.directory
    numbers[at + 1] = file.sizeBytes
    numbers[at + 2] = fromBytes
    numbers[at + 3] = toBytes
    const bigAt = this.count * BIG_NUMBERS
    bigNumbers[bigAt] = file.device
    bigNumbers[bigAt + 1] = file.inode
    bigNumbers[bigAt + 2] = file.mtimeNs
    bigNumbers[bigAt + 3] = file.ctimeNs
    this.#names += `${file.name}\0`
    this.count++
  }

  fromBytes(at: number): number {
    return this.#numbers[at * NUMBERS + 2] as number
  }

  encode(): EncodedStretches {
    const { count } = this
    const isFull = count === this.#room
    return {
      names: this.#names,
      numbers: isFull ? this.#numbers : this.#numbers.slice(0, count * NUMBERS),
      bigNumbers: isFull ? this.#bigNumbers : this.#bigNumbers.slice(0, count * BIG_NUMBERS),
    }
  }
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
