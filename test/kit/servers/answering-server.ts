import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface SeenRequest {
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** Ends the connection: before any answer, or after the headers, which promised more; or never says anything. */
  readonly breaks?: 'before' | 'within' | 'never'
}

export interface AnsweringServer extends AsyncDisposable {
  readonly endpoint: string
  readonly seen: readonly SeenRequest[]
}

/** An HTTP server in this process that answers as a test says: for what real servers cannot be made to say. `answer` gets each request, numbered from 1. */
export async function answeringServer(
  answer: (request: SeenRequest, number: number) => Answer,
): Promise<AnsweringServer> {
  const seen: SeenRequest[] = []
  const server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      const { method = '', url = '', headers } = request
      const one = { method, url, headers, body: Buffer.concat(parts).toString() }
      seen.push(one)
      const { status, headers: given = {}, body = '', breaks } = answer(one, seen.length)
      if (breaks === 'never') return undefined
      if (breaks === 'before') return request.socket.destroy()
      response.writeHead(status, given)
      if (breaks === 'within') return response.write(body, () => request.socket.destroy())
      return response.end(body)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** An error as S3 says it. */
export function s3Answer(
  status: number,
  code: string,
  more = '',
  headers: Readonly<Record<string, string>> = {},
): Answer {
  const body = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>no</Message>${more}</Error>`
  return { status, headers: { 'content-type': 'application/xml', ...headers }, body }
}

/** An error as the services that speak JSON say it: SQS, KMS. */
export function jsonAnswer(status: number, type: string, headers: Readonly<Record<string, string>> = {}): Answer {
  const content = { 'content-type': 'application/x-amz-json-1.1', ...headers }
  return { status, headers: content, body: JSON.stringify({ __type: type, message: 'no' }) }
}
