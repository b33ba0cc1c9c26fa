import { join } from 'node:path'
import { cached, cacheFolder } from './cache-folder.ts'
import { ensurePython, pipInstall } from './install-toolchains.ts'
import { runToEnd } from './owned-process.ts'
import { serveOnPort, type LocalServer } from './serve-on-port.ts'

const LINT_VERSION = '1.58.0'
const MOTO_VERSION = '5.2.5'

/** A moto that knows CloudFormation and all that a template makes; the one of the drivers' tests is smaller. */
export async function startMotoCloudFormation(): Promise<LocalServer> {
  const folder = await installTools()
  return await serveOnPort('moto', (port) => ({
    program: join(folder, 'bin', 'python'),
    args: ['-m', 'moto.server', '-H', '127.0.0.1', '-p', String(port)],
  }))
}

/** AWS's own linter over a template. Answers with what it found, a line each; nothing: the empty text. */
export async function cfnLint(file: string, ignored: readonly string[]): Promise<string> {
  const folder = await installTools()
  const python = join(folder, 'bin', 'python')
  // Its status says that it found something; what it found stands in its output.
  const program =
    'import subprocess, sys; r = subprocess.run(sys.argv[1:], capture_output=True, text=True); print(r.stdout + r.stderr, end="")'
  const options = ignored.flatMap((rule) => ['-i', rule])
  return (
    await runToEnd(python, [
      '-c',
      program,
      join(folder, 'bin', 'cfn-lint'),
      '-f',
      'parseable',
      '-r',
      'eu-central-1',
      ...options,
      '--',
      file,
    ])
  ).trim()
}

async function installTools(): Promise<string> {
  const name = `cloudformation-tools-${LINT_VERSION}-${MOTO_VERSION}`
  const folder = join(cacheFolder(), name)
  await cached(`${name}.installed`, async (unfinished) => {
    await runToEnd(await ensurePython(), ['-m', 'venv', '--clear', folder])
    await pipInstall(folder, `cfn-lint==${LINT_VERSION}`, `moto[server,all]==${MOTO_VERSION}`)
    await runToEnd('touch', [unfinished])
  })
  return folder
}
