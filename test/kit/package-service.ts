/** `serverless package`, as a person calls it, but without network, credentials or environment. */
import { execFile, spawnSync } from 'node:child_process'
import { mkdir, readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import type { Template } from './iam/resolve-template.ts'

const root = resolve(import.meta.dirname, '../..')
const run = promisify(execFile)
/** Cuts the network off, where the system lets a user do that. */
const cut: readonly [string, ...string[]] =
  spawnSync('unshare', ['-rn', 'true']).status === 0 ? ['unshare', '-rn'] : ['env']

/** The template that is deployed. osls works in a folder of the checkout: one call at a time. */
export async function packageService(options: {
  readonly settings: string
  readonly folder: string
  readonly name: string
}): Promise<Template> {
  const { settings, folder, name } = options
  const home = join(folder, `home-${name}`)
  const out = join(folder, name)
  await mkdir(home)
  const [command, ...args] = [...cut, process.execPath, join(root, 'node_modules/.bin/serverless')]
  await run(command, [...args, 'package', '--package', out], {
    cwd: root,
    env: { PATH: process.env['PATH'], HOME: home, TORIKI_SETTINGS: settings },
    timeout: 90_000,
  })
  return JSON.parse(await readFile(join(out, 'cloudformation-template-update-stack.json'), 'utf8')) as Template
}
