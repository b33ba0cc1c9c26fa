/** Runs a TypeScript file in a Node process of its own. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

/** What it wrote to stdout. Rejects when it ends with another status than 0. */
export async function runProcess(file: URL, ...parameters: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, ['--no-warnings', file.pathname, ...parameters], {
    maxBuffer: 16 * 1024 * 1024,
  })
  return stdout
}
