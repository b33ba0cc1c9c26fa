/**
 * The thread's side of the pipeline: reads batches of files for as many slices as it is told of, each in a session of its own. Where the files are slow to open, the next batch is
 * fetched while this one is stored.
 */
import { ChunkSession } from './chunk-session.ts'
import { decodeStretches } from './pipeline-messages.ts'
import type { FileStretch, StretchesAhead, StretchReader } from '../resources/file-reading.ts'
import type { FinishedPack } from './pack-writer.ts'
import type { FromThread, ToThread } from './pipeline-messages.ts'

export type Reply = (message: FromThread, transfer?: readonly ArrayBuffer[]) => void
type Serve = (work: number, message: ToThread, reply: Reply) => void

/** Takes the messages of all works, in order; whatever one of them throws is that work's failure alone. */
export function servePipeline(reader: StretchReader): Serve {
  const thread = new PipelineThread(reader)
  return (work, message, reply) => thread.take(work, message, reply)
}

class PipelineThread {
  readonly #reader: StretchReader
  readonly #sessions = new Map<number, ChunkSession>()
  /** Ends when everything that was taken is done; `undefined` when that is so. */
  #busy: Promise<void> | undefined

  constructor(reader: StretchReader) {
    this.#reader = reader
  }

  take(work: number, message: ToThread, reply: Reply): void {
    const reading = message.kind === 'read' && this.#reader.isSlow ? fetching(this.#reader, message) : undefined
    if (reading === undefined && this.#busy === undefined) {
      this.#guard(work, reply, () => this.#handle(work, message, reply))
      return
    }
    const turn = (this.#busy ?? Promise.resolve()).then(async () => {
      try {
        if (reading === undefined) this.#handle(work, message, reply)
        else await this.#readAhead(work, reading, reply)
      } catch (error) {
        this.#fail(work, reply, error)
      } finally {
        reading?.ahead.drop()
      }
      if (this.#busy === turn) this.#busy = undefined
    })
    this.#busy = turn
  }

  #handle(work: number, message: ToThread, reply: Reply): void {
    const session = this.#sessions.get(work)
    switch (message.kind) {
      case 'begin':
        if (message.slow !== undefined) this.#reader.expect(message.slow)
        this.#sessions.set(work, new ChunkSession({ ...message, onPack: (pack) => sendPack(pack, reply) }))
        return
      case 'table':
        session?.useTable(message.table)
        return
      case 'read':
        if (session === undefined) return
        reply({ kind: 'read', answer: session.read(decodeStretches(message.batch), this.#reader) })
        return
      case 'finish':
        session?.finish()
        this.#sessions.delete(work)
        reply({ kind: 'finished' })
        return
      case 'drop':
        this.#sessions.delete(work)
    }
  }

  async #readAhead(work: number, { ahead, stretches }: Fetching, reply: Reply): Promise<void> {
    const session = this.#sessions.get(work)
    if (session !== undefined) reply({ kind: 'read', answer: await session.readAhead(stretches, ahead) })
  }

  #guard(work: number, reply: Reply, act: () => void): void {
    try {
      act()
    } catch (error) {
      this.#fail(work, reply, error)
    }
  }

  #fail(work: number, reply: Reply, error: unknown): void {
    this.#sessions.delete(work)
    reply({ kind: 'failed', message: error instanceof Error ? `${error.name}: ${error.message}` : 'unknown' })
  }
}

interface Fetching {
  readonly ahead: StretchesAhead
  readonly stretches: readonly FileStretch[]
}

function fetching(reader: StretchReader, { batch }: ToThread & { readonly kind: 'read' }): Fetching {
  const stretches = [...decodeStretches(batch)]
  return { ahead: reader.bring(stretches), stretches }
}

/** As a message: the body in a buffer of its own, which changes hands without a copy. */
function sendPack(pack: FinishedPack, reply: Reply): void {
  const { body } = pack
  const own = body.length === body.buffer.byteLength ? body : Buffer.from(Uint8Array.from(body).buffer)
  reply({ kind: 'pack', pack: { ...pack, body: own } }, [own.buffer as ArrayBuffer])
}
