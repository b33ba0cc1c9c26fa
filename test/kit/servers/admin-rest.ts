import type { KeycloakServer } from './keycloak.ts'

/** What any JSON answer may be; the kit reads answers of a server it started itself and checks them only by use. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }
export type JsonObject = Record<string, Json | undefined>

/** An answer of the admin REST interface that was not 2xx. */
export class AdminRestError extends Error {
  override readonly name = 'AdminRestError'
  readonly status: number
  readonly body: string

  constructor(call: string, status: number, body: string) {
    super(`${call}: ${status} ${body.slice(0, 1000)}`)
    this.status = status
    this.body = body
  }
}

/**
 * The admin REST interface of one server as the master realm's administrator. Paths start behind `/admin/realms`: `/nebari/users?max=10`.
 * Plain `fetch`, and nothing of `lib/`: what tests compare with must not share code with what they test.
 */
export interface AdminRest {
  get<T = JsonObject>(path: string): Promise<T>
  /** Returns undefined when the answer is 404. */
  find<T = JsonObject>(path: string): Promise<T | undefined>
  /** Returns the id at the end of `Location` when there is one, else the answer's JSON, else undefined. */
  post<T = string>(path: string, body?: unknown): Promise<T>
  put(path: string, body?: unknown): Promise<void>
  /** Writes text (localization values are text/plain). */
  putText(path: string, text: string): Promise<void>
  delete(path: string, body?: unknown): Promise<void>
}

type Place = Pick<KeycloakServer, 'url' | 'admin'>

export function connectAdmin(server: Place): AdminRest {
  const token = tokenSource(server)
  const call = async (
    method: string,
    path: string,
    body?: unknown,
    contentType = 'application/json',
  ): Promise<Response> => {
    const headers: Record<string, string> = { Authorization: `Bearer ${await token()}`, Accept: 'application/json' }
    if (body !== undefined) headers['Content-Type'] = contentType
    const response = await fetch(`${server.url}/admin/realms${path}`, {
      method,
      headers,
      signal: AbortSignal.timeout(240_000),
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    }).catch((cause: unknown) => {
      throw new Error(`${method} ${path}: no answer`, { cause })
    })
    if (!response.ok) throw new AdminRestError(`${method} ${path}`, response.status, await response.text())
    return response
  }
  const get = async <T>(path: string): Promise<T> => (await (await call('GET', path)).json()) as T
  const drain = async (response: Promise<Response>): Promise<void> => {
    await (await response).arrayBuffer()
  }
  return {
    get,
    async find<T>(path: string) {
      try {
        return await get<T>(path)
      } catch (error) {
        if (error instanceof AdminRestError && error.status === 404) return undefined
        throw error
      }
    },
    async post<T>(path: string, body?: unknown) {
      const response = await call('POST', path, body)
      const text = await response.text()
      const location = response.headers.get('location')
      if (location !== null) return location.slice(location.lastIndexOf('/') + 1) as T
      return (text === '' ? undefined : JSON.parse(text)) as T
    },
    put: (path, body) => drain(call('PUT', path, body)),
    putText: (path, text) => drain(call('PUT', path, text, 'text/plain')),
    delete: (path, body) => drain(call('DELETE', path, body)),
  }
}

/** The administrator's access token lives 60 s; a new one is asked for after half of its life. */
function tokenSource(server: Place): () => Promise<string> {
  let current: { readonly value: Promise<string>; readonly staleAt: number } | undefined
  return () => {
    if (current === undefined || Date.now() > current.staleAt) {
      current = { value: passwordToken(server), staleAt: Date.now() + 30_000 }
      current.value.catch(() => {
        current = undefined
      })
    }
    return current.value
  }
}

async function passwordToken(server: Place): Promise<string> {
  const { username, password } = server.admin
  const body = new URLSearchParams({ grant_type: 'password', client_id: 'admin-cli', username, password })
  const url = `${server.url}/realms/master/protocol/openid-connect/token`
  const response = await fetch(url, { method: 'POST', body, signal: AbortSignal.timeout(240_000) })
  if (!response.ok) throw new AdminRestError('administrator login', response.status, await response.text())
  return ((await response.json()) as { access_token: string }).access_token
}

/** Runs `work` for every item, at most `width` at a time; results in the items' order. The first failure stops new work and is thrown. */
export async function eachOf<T, R>(
  items: readonly T[],
  width: number,
  work: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = []
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < items.length) {
      const index = next++
      try {
        results[index] = await work(items[index] as T, index)
      } catch (error) {
        next = items.length
        throw error
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, worker))
  return results
}
