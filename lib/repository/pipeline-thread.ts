/** The thread's side of the pipeline: reads batches of files for as many slices as it is told of, each in a session of its own. */
import { ChunkSession } from './chunk-session.ts'
import { decodeStretches } from './pipeline-messages.ts'
import type { ReadFileStretch } from '../resources/file-reading.ts'
import type { FinishedPack } from './pack-writer.ts'
import type { FromThread, ToThread } from './pipeline-messages.ts'

export type Reply = (message: FromThread, transfer?: readonly ArrayBuffer[]) => void

/** Takes the messages of all works; whatever one of them throws is that work's failure alone. */
export function servePipeline(readStretch: ReadFileStretch): (work: number, message: ToThread, reply: Reply) => void {
  const sessions = new Map<number, ChunkSession>()
  return (work, message, reply) => {
    try {
      const session = sessions.get(work)
      switch (message.kind) {
        case 'begin':
          sessions.set(
            work,
            new ChunkSession({
              ...message,
              onPack: (pack) => sendPack(pack, reply),
            }),
          )
          return
        case 'table':
          session?.useTable(message.table)
          return
        case 'read':
          if (session === undefined) return
          reply({ kind: 'read', answer: session.read(decodeStretches(message.batch), readStretch) })
          return
        case 'finish':
          session?.finish()
          sessions.delete(work)
          reply({ kind: 'finished' })
          return
        case 'drop':
          sessions.delete(work)
      }
    } catch (error) {
      sessions.delete(work)
      reply({ kind: 'failed', message: error instanceof Error ? `${error.name}: ${error.message}` : 'unknown' })
    }
  }
}

/** As a message: the body in a buffer of its own, which changes hands without a copy. */
function sendPack(pack: FinishedPack, reply: Reply): void {
  const { body } = pack
  const own = body.length === body.buffer.byteLength ? body : Buffer.from(Uint8Array.from(body).buffer)
  reply({ kind: 'pack', pack: { ...pack, body: own } }, [own.buffer as ArrayBuffer])
}
