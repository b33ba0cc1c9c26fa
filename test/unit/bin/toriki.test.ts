import { spawn } from 'node:child_process'
import { chmod, cp, mkdir, mkdtemp, readdir, realpath, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'

const root = resolve(import.meta.dirname, '../../..')
/** Makes any Node say it is another one, so that both ways through the launcher are tested on every machine. */
const pretend = (version: string): string =>
  `data:text/javascript,Object.defineProperty(process,'versions',{value:{...process.versions,node:'${version}'}});process.execve=undefined`

interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

let house: string

beforeEach(async () => {
  house = await realpath(await mkdtemp(join(tmpdir(), 'toriki-launcher-')))
  await cp(join(root, 'bin'), join(house, 'bin'), { recursive: true })
  await cp(join(root, 'package.json'), join(house, 'package.json'))
  await mkdir(join(house, 'lib/embedded'), { recursive: true })
  await mkdir(join(house, 'elsewhere'))
})

afterEach(async () => {
  await rm(house, { recursive: true, force: true })
})

describe.each([
  ['Node 24 runs the command line itself', [] as string[]],
  ['an older Node hands over to the bundled Node 24', ['--import', pretend('20.20.2')]],
])('%s', (_title, flags) => {
  test('arguments, working directory, output and exit status pass unchanged', async () => {
    await program(`process.stdout.write(JSON.stringify({ version: Number(process.versions.node.split('.')[0]), cwd: process.cwd(), args: process.argv.slice(2) }))
      process.exitCode = 3`)
    const ended = await run(flags, ['status', '--json', 'a b', '$x'])
    expect(ended).toMatchObject({ code: 3, stderr: '' })
    const seen = JSON.parse(ended.stdout) as { version: number; cwd: string; args: string[] }
    expect(seen.version).toBeGreaterThanOrEqual(24)
    expect(seen).toMatchObject({ cwd: join(house, 'elsewhere'), args: ['status', '--json', 'a b', '$x'] })
  })

  test('a link to it works from anywhere', async () => {
    await program(`process.stdout.write('here')`)
    await symlink(join(house, 'bin/toriki'), join(house, 'elsewhere/toriki'))
    expect(await run(flags, [], { file: join(house, 'elsewhere/toriki') })).toMatchObject({ code: 0, stdout: 'here' })
  })

  test('experimental modules do not warn, other warnings show', async () => {
    await program(`process.emitWarning('young', 'ExperimentalWarning'); process.emitWarning('mind this')`)
    const ended = await run(flags, [])
    expect(ended.stderr).toContain('mind this')
    expect(ended.stderr).not.toContain('young')
  })

  test('SIGTERM reaches the command line, which ends in its own way', async () => {
    await program(`const alive = setInterval(() => {}, 1000)
      process.on('SIGTERM', () => { clearInterval(alive); process.exitCode = 130 })
      process.stdout.write('ready')`)
    expect(await run(flags, [], { signal: 'SIGTERM' })).toMatchObject({ code: 130, signal: null })
  })

  test('ended by a signal, it is seen to have ended by that signal', async () => {
    await program(`process.kill(process.pid, 'SIGKILL')`)
    expect(await run(flags, [])).toMatchObject({ code: null, signal: 'SIGKILL' })
  })
})

describe('what Node made of the sources is kept', () => {
  const kept = async (folder: string): Promise<boolean> =>
    (await readdir(join(house, folder)).catch(() => [])).length > 0

  beforeEach(async () => {
    await program(`process.stdout.write('ran')`, { linked: false })
    await mkdir(join(house, 'node_modules'), { mode: 0o755 })
    await mkdir(join(house, 'home'), { mode: 0o755 })
  })

  test('beside them, where only we can write', async () => {
    expect(await run([], [])).toMatchObject({ code: 0, stdout: 'ran', stderr: '' })
    expect(await kept('node_modules/.cache/toriki')).toBe(true)
    expect((await stat(join(house, 'node_modules/.cache/toriki'))).mode & 0o777).toBe(0o700)
  })

  test('else in our own cache, made for us alone', async () => {
    await chmod(join(house, 'node_modules'), 0o775)
    expect(await run([], [])).toMatchObject({ code: 0, stdout: 'ran', stderr: '' })
    expect(await kept('node_modules/.cache/toriki')).toBe(false)
    expect(await kept('home/.cache/toriki')).toBe(true)
    expect((await stat(join(house, 'home/.cache/toriki'))).mode & 0o777).toBe(0o700)
  })

  test.each([
    ['to the folder', 'home/.cache/toriki'],
    ['to the one above it', 'home/.cache'],
    ['to the one above that', 'home'],
  ])('not at all where others could write %s', async (_title, folder) => {
    await rm(join(house, 'node_modules'), { recursive: true })
    await mkdir(join(house, 'home/.cache/toriki'), { recursive: true })
    await chmod(join(house, folder), 0o777)
    expect(await run([], [])).toMatchObject({ code: 0, stdout: 'ran', stderr: '' })
    expect(await kept('home/.cache/toriki')).toBe(false)
  })

  test('not through a link', async () => {
    await rm(join(house, 'node_modules'), { recursive: true })
    await mkdir(join(house, 'home/.cache'), { recursive: true })
    await symlink(join(house, 'elsewhere'), join(house, 'home/.cache/toriki'))
    expect(await run([], [])).toMatchObject({ code: 0, stdout: 'ran', stderr: '' })
    expect(await kept('elsewhere')).toBe(false)
  })
})

test('an older Node without the bundled Node 24 says so in one sentence', async () => {
  await rm(join(house, 'node_modules'), { force: true, recursive: true })
  await program(`process.stdout.write('must not run')`, { linked: false })
  const ended = await run(['--import', pretend('20.20.2')], [])
  expect(ended).toMatchObject({ code: 1, stdout: '' })
  expect(ended.stderr).toMatch(/^toriki needs Node\.js 24 or newer: this is 20\.20\.2, and .* Run "npm ci" in .*\n$/)
})

async function program(source: string, options: { linked: boolean } = { linked: true }): Promise<void> {
  await writeFile(join(house, 'lib/embedded/main.ts'), `${source}\nexport {}\n`)
  if (options.linked) await symlink(join(root, 'node_modules'), join(house, 'node_modules'))
}

function run(
  flags: readonly string[],
  args: readonly string[],
  options: { file?: string; signal?: NodeJS.Signals } = {},
): Promise<Ended> {
  const file = options.file ?? join(house, 'bin/toriki')
  const child = spawn(process.execPath, [...flags, file, ...args], {
    cwd: join(house, 'elsewhere'),
    env: { ...process.env, HOME: join(house, 'home'), XDG_CACHE_HOME: undefined, NODE_COMPILE_CACHE: undefined },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
    if (options.signal !== undefined && stdout === 'ready') child.kill(options.signal)
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  return new Promise((resolveEnded, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => resolveEnded({ code, signal, stdout, stderr }))
  })
}
