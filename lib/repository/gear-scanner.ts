/**
 * The inner loop of the chunker as WebAssembly: four times as fast as the same loop in JavaScript, which looks at the bounds of both arrays for every byte. One per thread, in 128 KiB
 * of memory of its own: 256 gear numbers, the print, and a window into which the bytes are copied piece by piece.
 *
 * ```
 * for (; at < end; at++) { print = (print << 1) + gear[bytes[at]]; if ((print & mask) === 0) return at + 1 }
 * return -1
 * ```
 */
const PAGE_BYTES = 64 * 1024
const GEAR_NUMBERS = 256
const PRINT_AT = GEAR_NUMBERS * 4
const WINDOW_AT = 4096
const WINDOW_BYTES = PAGE_BYTES

interface Program {
  /** The index behind the byte at which the print has none of the mask's bits; -1: there is none. */
  readonly scan: (at: number, end: number, mask: number) => number
  readonly memory: { readonly buffer: ArrayBuffer }
}

/** Node has it; the types that we use leave it to browsers. */
const { Module, Instance } = (
  globalThis as unknown as {
    readonly WebAssembly: {
      readonly Module: new (bytes: Uint8Array) => object
      readonly Instance: new (module: object) => { readonly exports: unknown }
    }
  }
).WebAssembly

export class GearScanner {
  readonly #scan: Program['scan']
  readonly #words: Int32Array
  readonly #window: Uint8Array
  #gear: Int32Array | undefined

  constructor() {
    const { scan, memory } = new Instance(new Module(program())).exports as Program
    this.#scan = scan
    this.#words = new Int32Array(memory.buffer, 0, GEAR_NUMBERS + 1)
    this.#window = new Uint8Array(memory.buffer, WINDOW_AT, WINDOW_BYTES)
  }

  /** Goes on with the print of the bytes before, under this table. */
  begin(gear: Int32Array, print: number): void {
    if (this.#gear !== gear) this.#words.set(gear)
    this.#gear = gear
    this.#words[GEAR_NUMBERS] = print
  }

  get print(): number {
    return this.#words[GEAR_NUMBERS] as number
  }

  /** The index in `bytes` behind the first one, from `from` to before `to`, at which the print has none of the mask's bits. `undefined`: there is none. */
  find(bytes: Buffer, from: number, to: number, mask: number): number | undefined {
    for (let at = from; at < to; at += WINDOW_BYTES) {
      const length = bytes.copy(this.#window, 0, at, Math.min(to, at + WINDOW_BYTES))
      const end = this.#scan(WINDOW_AT, WINDOW_AT + length, mask)
      if (end >= 0) return at + end - WINDOW_AT
    }
    return undefined
  }
}

// The few instructions of WebAssembly that it takes, as their bytes.
const i32 = 0x7f
const op = {
  ...{ block: 0x02, loop: 0x03, if: 0x04, end: 0x0b, branch: 0x0c, branchIf: 0x0d, return: 0x0f },
  ...{ get: 0x20, set: 0x21, tee: 0x22, load: 0x28, loadByte: 0x2d, store: 0x36, const: 0x41 },
  ...{ eqz: 0x45, greaterOrEqual: 0x4e, add: 0x6a, subtract: 0x6b, and: 0x71, shiftLeft: 0x74 },
} as const
const NOTHING = 0x40
/** Loads and stores say how they are aligned, as a power of two, and what is added to the address. */
const WORD = 2
const BYTE = 0
/** Parameters, then the one local variable. */
const [at, end, mask, print] = [0, 1, 2, 3]
const UNROLLED = 4

function program(): Uint8Array {
  const locals = [1, 1, i32]
  const code = [...locals, ...body(), op.end]
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, [1, 0x60, 3, i32, i32, i32, 1, i32]), // one type: three numbers to one
    ...section(3, [1, 0]), // one function of that type
    ...section(5, [1, 0, (WINDOW_AT + WINDOW_BYTES + PAGE_BYTES - 1) / PAGE_BYTES]), // one memory
    ...section(7, [2, ...name('scan'), 0, 0, ...name('memory'), 2, 0]), // both can be seen
    ...section(10, [1, ...unsigned(code.length), ...code]),
  ])
}

function body(): number[] {
  return [
    ...[op.const, 0, op.load, WORD, ...unsigned(PRINT_AT), op.set, print],
    ...[op.block, NOTHING], // left where the print has none of the mask's bits
    ...[op.block, NOTHING, op.loop, NOTHING], // several bytes at a time
    ...[op.get, at, op.get, end, op.const, UNROLLED - 1, op.subtract, op.greaterOrEqual, op.branchIf, 1],
    ...Array.from({ length: UNROLLED }, (_, offset) => step(offset, 3)).flat(),
    ...[op.get, at, op.const, UNROLLED, op.add, op.set, at, op.branch, 0, op.end, op.end],
    ...[op.loop, NOTHING], // one by one
    ...[op.get, at, op.get, end, op.greaterOrEqual, op.if, NOTHING, ...keepPrint, op.const, 0x7f, op.return, op.end],
    ...step(0, 2),
    ...[op.get, at, op.const, 1, op.add, op.set, at, op.branch, 0, op.end],
    ...[op.end, ...keepPrint, op.get, at],
  ]
}

/** The byte at `at + offset`; where it is one, `at` goes behind it and so many blocks are left. */
function step(offset: number, leave: number): number[] {
  return [
    ...[op.get, print, op.const, 1, op.shiftLeft],
    ...[op.get, at, op.loadByte, BYTE, offset, op.const, 2, op.shiftLeft, op.load, WORD, 0],
    ...[op.add, op.tee, print, op.get, mask, op.and, op.eqz],
    ...[op.if, NOTHING, op.get, at, op.const, offset + 1, op.add, op.set, at, op.branch, leave, op.end],
  ]
}

const keepPrint = [op.const, 0, op.get, print, op.store, WORD, ...unsigned(PRINT_AT)]

function section(id: number, content: readonly number[]): number[] {
  return [id, ...unsigned(content.length), ...content]
}

function name(text: string): number[] {
  return [text.length, ...Buffer.from(text, 'latin1')]
}

/** LEB128. */
function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)]
}
