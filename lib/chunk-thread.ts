/** The program of a thread that reads files and stores their contents, brings contents back, or proves packs; `chunk-threads.ts` starts it. */
import { parentPort } from 'node:worker_threads'
import type { Addressed } from './platform/worker-threads.ts'
import type { VerifyRequest } from './repository/pack-verifier.ts'
import type { ToThread } from './repository/pipeline-messages.ts'
import type { ToRestoreThread } from './repository/restore-messages.ts'

type Reply = (message: unknown, transfer?: readonly ArrayBuffer[]) => void
type Asked = ToThread | ToRestoreThread | VerifyRequest
type Serve<Message> = (work: number, message: Message, reply: Reply) => void

// Each is loaded by who asks for it first: most threads ever do one of them.
async function serveFiles(): Promise<Serve<ToThread>> {
  const [{ systemClock }, { openStretchReader }, { servePipeline }] = await Promise.all([
    import('./platform/clock.ts'),
    import('./components/files/stretch-reader.ts'),
    import('./repository/pipeline-thread.ts'),
  ])
  return servePipeline(await openStretchReader(systemClock))
}

async function serveContents(): Promise<Serve<ToRestoreThread>> {
  const [{ openFileMaker }, { serveRestores }] = await Promise.all([
    import('./components/files/write/fresh-file.ts'),
    import('./repository/restore-thread.ts'),
  ])
  return serveRestores(await openFileMaker())
}

async function serveProofs(): Promise<Serve<VerifyRequest>> {
  const { answerVerify } = await import('./repository/pack-verifier.ts')
  return (_work, message, reply) => reply(answerVerify(message))
}

const port = parentPort
if (port !== null) {
  let files: Promise<Serve<ToThread>> | undefined
  let contents: Promise<Serve<ToRestoreThread>> | undefined
  let proofs: Promise<Serve<VerifyRequest>> | undefined
  port.on('message', ({ work, message }: Addressed) => {
    const asked = message as Asked
    const reply: Reply = (answer, transfer = []) =>
      port.postMessage({ work, message: answer } satisfies Addressed, [...transfer])
    // In the order in which they came; what cannot be opened ends the thread, and whoever has work on it hears of that.
    if (asked.kind === 'verify') {
      proofs ??= serveProofs()
      void proofs.then((serve) => serve(work, asked, reply))
    } else if (asked.kind === 'restore' || asked.kind === 'restore-begin' || asked.kind === 'restore-end') {
      contents ??= serveContents()
      void contents.then((serve) => serve(work, asked, reply))
    } else {
      files ??= serveFiles()
      void files.then((serve) => serve(work, asked, reply))
    }
  })
}
