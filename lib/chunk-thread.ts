/** The program of a thread that reads files and stores their contents; `assemble-service.ts` starts it. */
import { parentPort } from 'node:worker_threads'
import { openStretchReader } from './components/files/read-stretch.ts'
import type { Addressed } from './platform/worker-threads.ts'
import { servePipeline } from './repository/pipeline-thread.ts'
import type { ToThread } from './repository/pipeline-messages.ts'

const port = parentPort
if (port !== null) {
  const serve = servePipeline(await openStretchReader())
  port.on('message', ({ work, message }: Addressed) => {
    serve(work, message as ToThread, (answer, transfer = []) =>
      port.postMessage({ work, message: answer } satisfies Addressed, [...transfer]),
    )
  })
}
