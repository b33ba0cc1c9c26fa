/** A server on this machine that answers as a test says, and keeps what it was asked: for drivers of services that nobody starts here. */
import { createServer } from 'node:http'
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Asked {
  /** The header that names the operation, where the protocol has one. */
  readonly target: string | undefined
  readonly body: string
}

export interface Answer {
  readonly status?: number
  readonly type?: string
  readonly body: string
}

export interface AnsweringServer {
  readonly endpoint: string
  readonly asked: readonly Asked[]
  close(): Promise<void>
}

export async function answeringServer(answer: (asked: Asked) => Answer): Promise<AnsweringServer> {
  const asked: Asked[] = []
  const server = createServer((request, response) => {
    void bodyOf(request).then((body) => {
      const one = { target: request.headers['x-amz-target']?.toString(), body }
      asked.push(one)
      const { status = 200, type = 'application/x-amz-json-1.1', body: given } = answer(one)
      response.writeHead(status, { 'content-type': type }).end(given)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = ''
  for await (const part of request) body += String(part)
  return body
}
