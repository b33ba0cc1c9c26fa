/** A home whose owner swaps what lies in it for links to a secret outside, as fast as he can, while something is done to it. */
import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { makeScratch } from './scratch.ts'

export const SECRET = 'the secret of somebody else'

/** `root` holds `home/ann`; `swaps` says how many rounds were made. The process ends with the action. */
export async function underSwaps<T>(
  action: (root: string, swaps: () => Promise<number>, outside: string) => Promise<T>,
): Promise<T> {
  const scratch = makeScratch()
  const root = join(scratch.path, 'root')
  const outside = join(scratch.path, 'outside')
  mkdirSync(join(root, 'home', 'ann'), { recursive: true })
  for (const folder of ['', 'a/b/c']) {
    mkdirSync(join(outside, folder), { recursive: true })
    writeFileSync(join(outside, folder, 'inside'), SECRET)
    writeFileSync(join(outside, folder, 'only-outside'), SECRET)
  }
  const swapper = await startSwapper(join(root, 'home', 'ann'), outside)
  try {
    return await action(root, swapper.swaps, outside)
  } finally {
    await swapper.stop()
    scratch.remove()
  }
}

export interface Swapper {
  /** Rounds so far. */
  swaps(): Promise<number>
  stop(): Promise<void>
}

/** Both folders are there. It swaps as soon as this is fulfilled. */
export async function startSwapper(home: string, outside: string): Promise<Swapper> {
  const child = fork(fileURLToPath(new URL('swapper.ts', import.meta.url)), [home, outside], {
    execArgv: ['--disable-warning=ExperimentalWarning'],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  await once(child, 'message')
  return {
    swaps: () => roundsOf(child),
    async stop() {
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
    },
  }
}

async function roundsOf(child: ChildProcess): Promise<number> {
  const answer = once(child, 'message') as Promise<[{ readonly rounds: number }]>
  child.send('how many?')
  return (await answer)[0].rounds
}
