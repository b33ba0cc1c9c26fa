/** What `transport.test.ts` runs in a process of its own: servers on this machine, and a certificate that is for them alone and good for nothing else. */
import { createServer as createPlain } from 'node:http'
import { createServer as createTls } from 'node:https'
import type { AddressInfo } from 'node:net'
import { keycloakFailure } from '../../../../lib/components/keycloak/failure.ts'
import type { Transport } from '../../../../lib/components/keycloak/transport.ts'

export { openTransport } from '../../../../lib/components/keycloak/transport.ts'

/** Of 127.0.0.1, made for this test, 2000 to 2120, signed by itself. */
export const certificate = `-----BEGIN CERTIFICATE-----
MIIBSDCB7qADAgECAgEBMAoGCCqGSM49BAMCMBQxEjAQBgNVBAMMCWxvY2FsaG9z
dDAgFw0wMDAxMDEwMDAwMDBaGA8yMTIwMDEwMTAwMDAwMFowFDESMBAGA1UEAwwJ
bG9jYWxob3N0MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEGxHugnZKpzelrWyf
NXesA6cAO/NKvRi03fCuOEComJlI44nn+L4yy1w/ZGl5mU2x3nU1QhbcuQf1GTJB
GZrhDKMvMC0wGgYDVR0RBBMwEYIJbG9jYWxob3N0hwR/AAABMA8GA1UdEwEB/wQF
MAMBAf8wCgYIKoZIzj0EAwIDSQAwRgIhANd0xhIyMmtKcoxC6zccoBJ0TooI5pm1
RxR7dlbNxSvUAiEAoEADYgeuVmy1AHXtVO/xeefIxDnHc2GI+XaDdfT5D5c=
-----END CERTIFICATE-----`
const key = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgd0LcvMXzWtEIytCJ
O4KUARBwpNNzsQ+lt3c7BgDSxaGhRANCAAQbEe6CdkqnN6WtbJ81d6wDpwA780q9
GLTd8K44QKiYmUjjief4vjLLXD9kaXmZTbHedTVCFty5B/UZMkEZmuEM
-----END PRIVATE KEY-----`

interface Started {
  readonly url: string
  stop(): void
}

export async function startTls(): Promise<Started> {
  const server = createTls({ key, cert: certificate }, (_, response) => response.end('ok'))
  return started(server, 'https')
}

/** Answers with so many bytes. */
export async function startPlain(bytes: number): Promise<Started> {
  const part = Buffer.alloc(1024 * 1024, 'x')
  const server = createPlain((_, response) => {
    let left = bytes
    const send = (): void => {
      while (left > 0) {
        left -= part.length
        if (!response.write(part)) return void response.once('drain', send)
      }
      response.end()
    }
    send()
  })
  return started(server, 'http')
}

/** What a request ends with: status and bytes, or the coded error. */
export async function outcome(url: string, { options }: Transport): Promise<object> {
  try {
    const response = await fetch(url, options as object)
    return { status: response.status, bytes: (await response.arrayBuffer()).byteLength }
  } catch (error) {
    const { code, message, remedy, retry } = keycloakFailure(error, undefined)
    return { code, message, remedy, retry }
  }
}

async function started(server: ReturnType<typeof createPlain>, scheme: string): Promise<Started> {
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  return {
    url: `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    stop() {
      server.close()
      server.closeAllConnections()
    },
  }
}
