/** A function as its host has it: the zip laid out in a folder of its own, a fresh Node, an event, an answer. Nothing of the checkout is within its reach. */
import { execFile } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { unzip } from './unzip.ts'

const run = promisify(execFile)
const INVOKED_MS = 60_000

/** Imports the bundle as the host does, calls its handler once, and writes down what came of it and how long the import took. */
const HOST = `
import { readFileSync, writeFileSync } from 'node:fs'
const [, bundle, input, output] = process.argv
const begin = performance.now()
const { handler } = await import(bundle)
const importMs = performance.now() - begin
const ends = Date.now() + 50_000
const context = { awsRequestId: process.env.REQUEST_ID, functionName: process.env.AWS_LAMBDA_FUNCTION_NAME, getRemainingTimeInMillis: () => 840_000 + ends - Date.now() }
const result = await handler(JSON.parse(readFileSync(input, 'utf8')), context).then((answer) => ({ answer }), ({ name, message }) => ({ error: { name, message } }))
writeFileSync(output, JSON.stringify({ ...result, importMs }))
// A host freezes the process now; what is left open is nobody's.
process.exit(0)
`

export interface Invoked<T> {
  readonly answer?: T
  readonly error?: { readonly name: string; readonly message: string }
  readonly importMs: number
  /** Lines of its log. */
  readonly log: string
}

export interface ZippedFunction {
  readonly name: string
  /** The files of its zip. */
  readonly files: readonly string[]
  readonly folder: string
  invoke<T>(event: unknown, settings: string): Promise<Invoked<T>>
}

let invocations = 0

export async function zippedFunction(name: string, zip: string, folder: string): Promise<ZippedFunction> {
  const files = await unzip(zip, folder)
  await mkdir(`${folder}.events`, { recursive: true })
  return {
    name,
    files,
    folder,
    async invoke(event, settings) {
      const id = `request-${++invocations}`
      const [input, output] = ['event', 'answer'].map((what) => join(`${folder}.events`, `${id}.${what}.json`)) as [
        string,
        string,
      ]
      await writeFile(input, JSON.stringify(event))
      const { stdout, stderr } = await run(
        process.execPath,
        ['--no-warnings', '--input-type=module', '-e', HOST, join(folder, `${name}.mjs`), input, output],
        {
          cwd: folder,
          env: {
            TORIKI_SETTINGS: settings,
            AWS_LAMBDA_FUNCTION_NAME: `toriki-campus-${name}`,
            AWS_REGION: 'eu-central-1',
            REQUEST_ID: id,
          },
          timeout: INVOKED_MS,
          maxBuffer: 16 * 1024 * 1024,
        },
      )
      return { ...(JSON.parse(await readFile(output, 'utf8')) as object), log: stdout + stderr } as never
    },
  }
}
