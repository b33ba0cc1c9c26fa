/** Threads of this process for contents of files: as many as it has cores. */
import { availableParallelism } from 'node:os'
import { workerThreads } from './platform/worker-threads.ts'
import type { WorkerThreads } from './platform/worker-threads.ts'

/** None is started before it is needed; to be closed. */
export function chunkThreads(): WorkerThreads {
  return workerThreads(threadProgram(), availableParallelism())
}

/** Beside this file: as it stands here, or as it was bundled. */
function threadProgram(): URL {
  return new URL(import.meta.url.endsWith('.ts') ? './chunk-thread.ts' : './chunk-thread.mjs', import.meta.url)
}
