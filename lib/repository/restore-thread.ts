/**
 * The thread's side of the restore pipeline: opens blocks, proves each chunk by its id, and has the files made that they belong to. A file with a chunk that is not what it should be is
 * not made; whoever asked finds out why.
 */
import { chunkId } from './keys.ts'
import { openPack } from './pack-seal.ts'
import { openBlock } from './verify-pack.ts'
import { HELD_BYTES, HeldBlocks } from './held-blocks.ts'
import { blockName, CLOSED, decodeTargets, FAILED, FILLED } from './restore-messages.ts'
import type { EncodedJob, FromRestoreThread, Piece, SentBlock, Target, ToRestoreThread } from './restore-messages.ts'
import type { FileMaker } from '../resources/file-making.ts'
import type { Opener } from './seal.ts'
import type { VerifyKeys } from './verify-pack.ts'

/** A key costs a decapsulation: 0.1 ms. */
const OPENERS_MAX = 64

type Serve = (work: number, message: ToRestoreThread, reply: (answer: FromRestoreThread) => void) => void

/** Takes the messages of all works, in order. */
export function serveRestores(maker: FileMaker): Serve {
  const sessions = new Map<number, RestoreSession>()
  return (work, message, reply) => {
    if (message.kind === 'restore-begin') sessions.set(work, new RestoreSession(maker, message.sliceId, message.keys))
    else if (message.kind === 'restore-end') sessions.delete(work)
    else {
      const made = sessions.get(work)?.restore(message.job) ?? new Int32Array(message.job.mtimes.length).fill(FAILED)
      reply({ kind: 'restored', number: message.number, made })
    }
  }
}

class RestoreSession {
  readonly #maker: FileMaker
  readonly #sliceId: string
  readonly #keys: { readonly chunkIdKey: Buffer } & Pick<VerifyKeys, 'treeKey' | 'contentPrivateKey'>
  readonly #openers = new Map<string, Opener>()
  /** `undefined`: it does not open. */
  readonly #held = new HeldBlocks<Buffer | undefined>(HELD_BYTES)

  constructor(maker: FileMaker, sliceId: string, { chunkIdKey, treeKey, contentPrivateKey }: VerifyKeys) {
    this.#maker = maker
    this.#sliceId = sliceId
    this.#keys = {
      ...{ chunkIdKey: asBuffer(chunkIdKey), treeKey },
      contentPrivateKey: contentPrivateKey && asBuffer(contentPrivateKey),
    }
  }

  restore(job: EncodedJob): Int32Array {
    const made = new Int32Array(job.mtimes.length)
    const blocks = this.#blocksOf(job.blocks)
    let at = 0
    for (const { target, pieces } of decodeTargets(job)) made[at++] = this.#restoreOne(target, pieces, blocks)
    return made
  }

  #restoreOne(target: Target, pieces: readonly Piece[], block: (at: number) => Buffer | undefined): number {
    const file = 'handle' in target ? undefined : this.#maker.begin(target)
    if (file === undefined && !('handle' in target)) return FAILED
    for (const { block: number, offset, length, at, id } of pieces) {
      const bytes = block(number)?.subarray(offset, offset + length)
      // The index may be another writer's: only the id proves that these are the bytes that the tree means.
      const isIt = bytes?.length === length && chunkId(this.#keys.chunkIdKey, bytes).equals(id)
      const isWritten =
        isIt && ('handle' in target ? this.#maker.fill(target.handle, bytes, at) : file?.write(bytes, at) === true)
      if (isWritten) continue
      file?.drop()
      return FAILED
    }
    if (file === undefined) return FILLED
    const made = file.end()
    return made === 'closed' ? CLOSED : (made ?? FAILED)
  }

  /** Opened when it is needed; of several one at a time: each stands in one stretch of a file. */
  #blocksOf(blocks: readonly SentBlock[]): (at: number) => Buffer | undefined {
    const [only] = blocks
    if (only !== undefined && blocks.length === 1) {
      const name = blockName(only)
      if (only.sealed !== undefined) this.#held.add(name, only.plainBytes, this.#open(only, only.sealed))
      const plain = this.#held.get(name)
      return () => plain
    }
    let last: { readonly at: number; readonly plain: Buffer | undefined } | undefined
    return (at) => {
      if (last?.at === at) return last.plain
      const block = blocks[at]
      last = { at, plain: block?.sealed && this.#open(block, block.sealed) }
      return last.plain
    }
  }

  #open(block: SentBlock, sealed: Uint8Array): Buffer | undefined {
    try {
      return openBlock(this.#opener(block), block.number, asBuffer(sealed), block.plainBytes)
    } catch {
      return undefined // whoever reads it by itself says what it is
    }
  }

  #opener({ sort, packId, header }: SentBlock): Opener {
    const opener =
      this.#openers.get(packId) ?? openPack(this.#keys, this.#sliceId, { sort, packId, header: asBuffer(header) })
    this.#openers.delete(packId)
    this.#openers.set(packId, opener)
    const [oldest] = this.#openers.keys()
    if (this.#openers.size > OPENERS_MAX && oldest !== undefined) this.#openers.delete(oldest)
    return opener
  }
}

/** What another thread sent arrives as a plain array of bytes. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
