/** The network, as the house asks for it: the one place that names `fetch`, so that who goes out can be found. Follows what `fetch` follows: callers set `redirect`. */
import { setFlagsFromString } from 'node:v8'

/**
 * Node's `fetch` parses answers by a WebAssembly program that calls back into JavaScript. After a thousand calls V8 compiles such a call anew and frees what it had, which it may not find in its list of
 * code pages where other threads run beside: then the whole process dies ("Check failed: jit_page.has_value()", or a segmentation fault; Node 24, see nodejs/node#64500). So it is never compiled anew.
 */
if (process.versions.node.startsWith('24.')) setFlagsFromString('--wasm-wrapper-tiering-budget=1000000000')

export function request(url: string, init: RequestInit): Promise<Response> {
  return fetch(url, init)
}
