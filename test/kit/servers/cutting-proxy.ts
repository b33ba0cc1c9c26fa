import { createServer, request as ask } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface CuttingProxy {
  /** As the server's, on another port. */
  readonly url: string
  /** Requests that would change something and reached the server. */
  writes(): number
  /** From the `count`th on they are refused, as if the process that sent them were gone; `undefined`: no longer. */
  cutAt(count: number | undefined): void
  /** Writes of this method to such a path are answered as if they were done, and are not. Counts them. */
  swallow(method: string, path: RegExp): { count(): number; end(): void }
  stop(): Promise<void>
}

/** An HTTP server in front of a Keycloak that passes everything on, or cuts writes off, or loses some. */
export async function cuttingProxy(server: { readonly url: string }): Promise<CuttingProxy> {
  const target = new URL(server.url)
  let writes = 0
  let left: number | undefined
  let swallows: ((method: string, url: string) => boolean) | undefined
  const proxy = createServer((incoming, outgoing) => {
    const { method = 'GET', url = '/', headers } = incoming
    const isWrite = method !== 'GET' && !url.includes('/protocol/openid-connect/')
    if (isWrite && left !== undefined && --left <= 0) {
      incoming.resume()
      outgoing.writeHead(403).end()
      return
    }
    if (isWrite && swallows?.(method, url) === true) {
      incoming.resume()
      outgoing.writeHead(204).end()
      return
    }
    if (isWrite) writes++
    const passed = ask({ host: target.hostname, port: target.port, method, path: url, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(outgoing)
    })
    passed.on('error', () => outgoing.destroy())
    incoming.pipe(passed)
  })
  const { promise, resolve } = Promise.withResolvers<void>()
  proxy.listen(0, '127.0.0.1', resolve)
  await promise
  return {
    url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}${target.pathname}`,
    writes: () => writes,
    cutAt: (count) => {
      left = count
    },
    swallow(method, path) {
      let count = 0
      swallows = (one, url) => {
        const isMeant = one === method && path.test(url)
        if (isMeant) count++
        return isMeant
      }
      return { count: () => count, end: () => void (swallows = undefined) }
    },
    async stop() {
      const stopped = Promise.withResolvers<void>()
      proxy.close(() => stopped.resolve())
      proxy.closeAllConnections()
      await stopped.promise
    },
  }
}
