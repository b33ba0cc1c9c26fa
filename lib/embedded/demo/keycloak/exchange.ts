/** One request to the stand-in and its answer, as far as they are not HTTP's own. */
import type { IncomingMessage } from 'node:http'

export interface Place {
  /** Behind the base path. */
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingMessage['headers']
}

export interface Answered {
  readonly status: number
  readonly body: string | undefined
  readonly headers?: Readonly<Record<string, string>>
}
