import type { IncomingMessage } from 'node:http'

const BODY_BYTES_MAX = 16 * 1024 * 1024

/** The request's whole body as a text; what is longer than anything that is sent here is cut. */
export async function readBody(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = []
  let bytes = 0
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length
    if (bytes > BODY_BYTES_MAX) break
    parts.push(part)
  }
  return Buffer.concat(parts).toString('utf8')
}
