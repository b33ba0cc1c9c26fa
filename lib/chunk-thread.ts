/** The program of a thread that reads files and stores their contents, brings contents back, or proves packs; `chunk-threads.ts` starts it. */
import { parentPort } from 'node:worker_threads'
import { systemClock } from './platform/clock.ts'
import { openFileMaker } from './components/files/write/fresh-file.ts'
import { openStretchReader } from './components/files/stretch-reader.ts'
import type { Addressed } from './platform/worker-threads.ts'
import { answerVerify } from './repository/pack-verifier.ts'
import { servePipeline } from './repository/pipeline-thread.ts'
import { serveRestores } from './repository/restore-thread.ts'
import type { VerifyRequest } from './repository/pack-verifier.ts'
import type { ToThread } from './repository/pipeline-messages.ts'
import type { ToRestoreThread } from './repository/restore-messages.ts'

const port = parentPort
if (port !== null) {
  /** Opened by who reads files: calls of the system take a moment to be found. */
  let serving: Promise<ReturnType<typeof servePipeline>> | undefined
  let restoring: Promise<ReturnType<typeof serveRestores>> | undefined
  port.on('message', ({ work, message }: Addressed) => {
    const asked = message as ToThread | ToRestoreThread | VerifyRequest
    const reply = (answer: unknown, transfer: readonly ArrayBuffer[] = []): void =>
      port.postMessage({ work, message: answer } satisfies Addressed, [...transfer])
    if (asked.kind === 'verify') {
      reply(answerVerify(asked))
      return
    }
    if (asked.kind === 'restore' || asked.kind === 'restore-begin' || asked.kind === 'restore-end') {
      restoring ??= openFileMaker().then(serveRestores)
      void restoring.then((serve) => serve(work, asked, reply))
      return
    }
    serving ??= openStretchReader(systemClock).then(servePipeline)
    // In the order in which they came; what cannot be opened ends the thread, and whoever has work on it hears of that.
    void serving.then((serve) => serve(work, asked, reply))
  })
}
