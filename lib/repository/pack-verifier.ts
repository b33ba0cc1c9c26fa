/** Proves packs on as many threads as there are, or, where there is little, on the one at hand. */
import { isTorikiError, TorikiError } from '../errors.ts'
import { giveBack } from './give-back.ts'
import { verifyPack } from './verify-pack.ts'
import type { Threads, Work } from '../platform/threads.ts'
import type { PackPlace, VerifyKeys } from './verify-pack.ts'

/** Below this the thread at hand is done before another has begun. */
const ALONE_BYTES = 64 * 1024 * 1024
/** One is being proven, one waits. */
const PACKS_PER_THREAD = 2

export interface PackVerifier {
  /** So many calls at once keep everybody busy. */
  readonly atOnce: number
  /** Does it open as a whole? The bytes are gone afterwards. */
  verify(place: PackPlace, bytes: Buffer): Promise<boolean>
  close(): void
}

/** Plain data: what a thread is asked, and answers. */
export interface VerifyRequest {
  readonly kind: 'verify'
  readonly number: number
  readonly keys: VerifyKeys
  readonly place: PackPlace
  readonly bytes: Uint8Array
}
export type VerifyAnswer =
  | { readonly kind: 'verified'; readonly number: number; readonly isWhole: boolean }
  | { readonly kind: 'not-verified'; readonly number: number; readonly message: string }

/** `totalBytes`: of all that will be asked for. Whoever lacks the private key asks for no packs of content. */
export function packVerifier(
  threads: Threads | undefined,
  { chunkIdKey, treeKey, contentPrivateKey }: VerifyKeys,
  totalBytes: number,
): PackVerifier {
  const keys = { chunkIdKey, treeKey, contentPrivateKey }
  const work = totalBytes <= ALONE_BYTES ? undefined : threads?.enter()
  return threads === undefined || work === undefined ? atHand(keys) : new ThreadVerifier(threads.count, work, keys)
}

/** The thread's side. */
export function answerVerify({ number, keys, place, bytes }: VerifyRequest): VerifyAnswer {
  try {
    const { chunkIdKey, treeKey, contentPrivateKey } = keys
    const own = {
      ...{ chunkIdKey: asBuffer(chunkIdKey), treeKey },
      contentPrivateKey: contentPrivateKey && asBuffer(contentPrivateKey),
    }
    return { kind: 'verified', number, isWhole: isWhole(own, place, asBuffer(bytes)) }
  } catch (error) {
    return { kind: 'not-verified', number, message: error instanceof Error ? error.message : 'unknown' }
  }
}

function isWhole(keys: VerifyKeys, place: PackPlace, bytes: Buffer): boolean {
  try {
    verifyPack(keys, place, bytes)
    return true
  } catch (error) {
    if (!isTorikiError(error, 'seal-broken') && !isTorikiError(error, 'format-newer')) throw error
    return false
  } finally {
    giveBack(bytes)
  }
}

function atHand(keys: VerifyKeys): PackVerifier {
  return {
    atOnce: PACKS_PER_THREAD,
    verify: (place, bytes) =>
      new Promise((resolve) => {
        resolve(isWhole(keys, place, bytes))
      }),
    close: () => undefined,
  }
}

interface Asked {
  readonly thread: number
  readonly resolve: (isWhole: boolean) => void
  readonly reject: (error: Error) => void
}

class ThreadVerifier implements PackVerifier {
  readonly atOnce: number
  readonly #work: Work
  readonly #keys: VerifyKeys
  readonly #asked = new Map<number, Asked>()
  readonly #loads: number[]
  #next = 0

  constructor(count: number, work: Work, keys: VerifyKeys) {
    this.atOnce = count * PACKS_PER_THREAD
    this.#work = work
    this.#keys = keys
    this.#loads = Array.from({ length: count }, () => 0)
    work.onMessage((_thread, message) => this.#receive(message as VerifyAnswer))
    work.onFailure((thread, cause) => {
      for (const [number, asked] of this.#asked)
        if (asked.thread === thread)
          this.#take(number)?.reject(new TorikiError('internal', { message: 'A thread ended.', cause }))
    })
  }

  verify(place: PackPlace, bytes: Buffer): Promise<boolean> {
    const number = this.#next++
    const thread = this.#loads.indexOf(Math.min(...this.#loads))
    this.#loads[thread] = (this.#loads[thread] ?? 0) + 1
    return new Promise((resolve, reject) => {
      this.#asked.set(number, { thread, resolve, reject })
      const request: VerifyRequest = { kind: 'verify', number, keys: this.#keys, place, bytes }
      // What lies in a pool with others is copied.
      const { buffer } = bytes
      const isOwn = buffer instanceof ArrayBuffer && buffer.byteLength === bytes.byteLength
      this.#work.post(thread, request, isOwn ? [buffer] : [])
    })
  }

  close(): void {
    this.#work.leave()
  }

  #receive(answer: VerifyAnswer): void {
    const asked = this.#take(answer.number)
    if (answer.kind === 'verified') asked?.resolve(answer.isWhole)
    else asked?.reject(new TorikiError('internal', { cause: new Error(answer.message) }))
  }

  #take(number: number): Asked | undefined {
    const asked = this.#asked.get(number)
    this.#asked.delete(number)
    if (asked !== undefined) this.#loads[asked.thread] = (this.#loads[asked.thread] ?? 1) - 1
    return asked
  }
}

/** Buffers arrive as plain arrays of bytes. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
