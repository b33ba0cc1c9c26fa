import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { buildFunctions, type Bundle } from '../../infra/build-functions.ts'

const root = resolve(import.meta.dirname, '../..')
const run = promisify(execFile)

/** A cold start reads all of it: imports take 0.1 to 0.3 s today, at 2.5 MiB each (docs/benchmarks.md). */
const bundleBytesMax = 3 * 1024 * 1024

let folder: string
let bundles: Bundle[]

beforeAll(async () => {
  // Outside the checkout: a bundle that needs something it does not carry finds no node_modules above itself.
  folder = await realpath(await mkdtemp(join(tmpdir(), 'toriki-package-')))
  bundles = await buildFunctions(join(folder, 'functions'))
})

afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
})

describe('the packaged functions', () => {
  test('are all the functions there are', async () => {
    const sources = (await readdir(join(root, 'functions'))).filter((name) => name.endsWith('.ts'))
    expect(sources.length).toBeGreaterThan(0)
    expect(bundles.map(({ name }) => `${name}.ts`)).toEqual(sources.toSorted())
  })

  test('each starts alone in a fresh Node 24, without settings, and has a handler', async () => {
    for (const { name, file } of bundles) {
      const program = `const { handler } = await import(${JSON.stringify(file)}); process.stdout.write(typeof handler)`
      const started = await run(process.execPath, ['--input-type=module', '-e', program], {
        cwd: folder,
        env: {},
        timeout: 30_000,
      })
      expect({ name, handler: started.stdout, stderr: started.stderr }).toEqual({
        name,
        handler: 'function',
        stderr: '',
      })
    }
  })

  test('each stays small enough to start fast; the sizes are in dist/function-sizes.json', async () => {
    const sizes = Object.fromEntries(bundles.map(({ name, bytes }) => [name, bytes]))
    await mkdir(join(root, 'dist'), { recursive: true })
    await writeFile(join(root, 'dist/function-sizes.json'), `${JSON.stringify(sizes, null, 2)}\n`)
    expect(bundles.filter(({ bytes }) => bytes > bundleBytesMax)).toEqual([])
  })

  test('the same sources give the same bytes', async () => {
    const again = await buildFunctions(join(folder, 'again'))
    for (const [index, { file }] of again.entries()) {
      expect(await readFile(file, 'utf8')).toBe(await readFile(bundles[index]!.file, 'utf8'))
    }
  })
})
