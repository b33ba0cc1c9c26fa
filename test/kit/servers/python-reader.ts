import { readFileSync } from 'node:fs'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { cached, cacheFolder } from './cache-folder.ts'
import { ensurePython, pipInstall } from './install-toolchains.ts'
import { runToEnd } from './owned-process.ts'

const folder = new URL('../../reader/', import.meta.url)

export interface ReaderOptions {
  readonly store: string
  readonly keyring: string
  readonly slice: string
  readonly snapshot?: string
  /** Absent: the snapshots are listed. */
  readonly out?: string
}

/** Runs the independent reader (`test/reader`), which shares no code with ours; gives what it printed. @throws when it ends with another status than 0. */
export async function runReader({ store, keyring, slice, snapshot, out }: ReaderOptions): Promise<string> {
  const words = ['--store', store, '--keyring', keyring, '--slice', slice]
  if (snapshot !== undefined) words.push('--snapshot', snapshot)
  if (out !== undefined) words.push('--out', out)
  return await runToEnd(await installReader(), [new URL('toriki_reader.py', folder).pathname, ...words])
}

/** The Python of a virtual environment with what the reader imports. */
async function installReader(): Promise<string> {
  const wanted = readFileSync(new URL('requirements.txt', folder), 'utf8').trim().split('\n')
  const name = `reader-${createHash('sha256').update(wanted.join('\n')).digest('hex').slice(0, 12)}`
  const environment = join(cacheFolder(), name)
  await cached(`${name}.installed`, async (unfinished) => {
    const python = await ensurePython()
    await runToEnd(python, ['-m', 'venv', '--clear', environment])
    await pipInstall(environment, ...wanted)
    await runToEnd('touch', [unfinished])
  })
  return join(environment, 'bin', 'python')
}
