/** The network, as the house asks for it: the one place that names `fetch`, so that who goes out can be found. Follows what `fetch` follows: callers set `redirect`. */

export function request(url: string, init: RequestInit): Promise<Response> {
  return fetch(url, init)
}
