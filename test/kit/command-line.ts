/** The command line in this process: runs one command as `bin/toriki` would, and gives what it printed and its exit status. */
import { main } from '../../lib/cli/main.ts'
import type { WorkerHost } from '../../lib/cli/context.ts'
import { TorikiError } from '../../lib/errors.ts'
import { embeddedHost } from '../../lib/embedded/worker-host.ts'

export interface CommandResult {
  readonly status: number
  readonly out: string
  /** stdout as it was written. */
  readonly bytes: Buffer
  readonly err: string
  /** stdout as the one JSON document it must be. */
  json<T = unknown>(): T
}

export interface CommandOptions {
  readonly width?: number
  readonly colours?: boolean
  readonly signal?: AbortSignal
  readonly host?: WorkerHost
}

export async function toriki(
  settings: string,
  words: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const out: Buffer[] = []
  let err = ''
  const status = await main({
    words: ['--settings', settings, ...words],
    terminal: {
      out: (text) => void out.push(Buffer.from(text)),
      err: (text) => void (err += text),
      outBytes: async (bytes) => void out.push(Buffer.from(bytes)),
      width: options.width ?? 80,
      interactive: false,
      style: (style, text) => (options.colours === true ? `<${style}>${text}</${style}>` : text),
    },
    host: options.host ?? embeddedHost({ leaseMs: 2_000 }),
    signal: options.signal ?? new AbortController().signal,
    version: 'test',
  })
  const bytes = Buffer.concat(out)
  const text = bytes.toString('utf8')
  return { status, out: text, bytes, err, json: <T>() => JSON.parse(text) as T }
}

/** A signal that is already Ctrl-C. */
export function interrupted(): AbortSignal {
  return AbortSignal.abort(new TorikiError('interrupted', { message: 'Stopped. Nothing is lost.' }))
}
