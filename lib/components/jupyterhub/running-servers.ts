/** Whether a person's server runs, asked of JupyterHub's REST API. Promises: README.md of this room. */
import * as z from 'zod'
import { TorikiError } from '../../errors.ts'
import { request } from '../../platform/request.ts'
import type { JupyterhubSettings } from '../../settings.ts'
import type { ListContext } from '../component.ts'
import type { RunningServers, ServerAnswer } from '../running-servers.ts'

const NEEDED_SCOPE = 'read:servers'
const TIMEOUT_MS = 15_000
/** Of one answer: a person with a thousand servers needs a few hundred KiB. */
const ANSWER_BYTES_MAX = 4 * 1024 * 1024

const callerSchema = z.object({ scopes: z.array(z.string()) })
const userSchema = z.object({
  servers: z.record(z.string(), z.looseObject({ stopped: z.boolean().optional() })).optional(),
})

/** What stands between us and an answer: the sentence of `unknown`. */
class Unanswered extends Error {}

/** Opens no connection yet. */
export function hubServers(settings: JupyterhubSettings): RunningServers {
  return new HubServers(settings)
}

class HubServers implements RunningServers {
  readonly #settings: JupyterhubSettings
  #mayAsk = false

  constructor(settings: JupyterhubSettings) {
    this.#settings = settings
  }

  async ask(user: string, { signal }: ListContext): Promise<ServerAnswer> {
    try {
      await this.#proveRight(signal)
      const found = (await this.#servers(user, signal)) ?? (await this.#servers(user.toLowerCase(), signal)) ?? []
      return { kind: found.some(({ stopped }) => stopped !== true) ? 'yes' : 'no' }
    } catch (error) {
      stopIfAborted(signal)
      if (error instanceof Unanswered) return { kind: 'unknown', why: error.message }
      throw error
    }
  }

  /** Without the right an answer has no servers in it, and looks as if none ran. */
  async #proveRight(signal: AbortSignal): Promise<void> {
    if (this.#mayAsk) return
    const { status, body } = await this.#get('user', signal)
    if (status === 404) throw new Unanswered('There is no JupyterHub at the configured address.')
    const { scopes } = parsed(callerSchema, body)
    if (!scopes.includes(NEEDED_SCOPE))
      throw new Unanswered(
        `The token of JupyterHub may not see whether servers run: it lacks the scope ${NEEDED_SCOPE}.`,
      )
    this.#mayAsk = true
  }

  /** `undefined`: the hub does not know such a person. */
  async #servers(
    user: string,
    signal: AbortSignal,
  ): Promise<readonly { readonly stopped?: boolean | undefined }[] | undefined> {
    const { status, body } = await this.#get(`users/${encodeURIComponent(user)}`, signal)
    if (status === 404) return undefined
    const { servers } = parsed(userSchema, body)
    if (servers === undefined) throw new Unanswered('JupyterHub did not say which servers there are.')
    return Object.values(servers)
  }

  /** Of 200 and 404 only. @throws Unanswered. */
  async #get(path: string, signal: AbortSignal): Promise<{ readonly status: number; readonly body: string }> {
    const { url, token } = this.#settings
    let status: number
    let body: string
    try {
      const response = await request(`${url}/hub/api/${path}`, {
        headers: { authorization: `token ${token}`, accept: 'application/json' },
        // A token goes to no other place.
        redirect: 'manual',
        signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
      })
      status = response.status
      body = await bounded(response)
    } catch (error) {
      if (error instanceof Unanswered) throw error
      throw new Unanswered('JupyterHub did not answer.', { cause: error })
    }
    if (status === 200 || status === 404) return { status, body }
    if (status === 401 || status === 403) throw new Unanswered('JupyterHub refused the token.')
    throw new Unanswered(`JupyterHub answered with the status ${status}.`)
  }
}

async function bounded(response: Response): Promise<string> {
  const parts: Uint8Array[] = []
  let bytes = 0
  for await (const part of response.body ?? []) {
    bytes += part.length
    if (bytes > ANSWER_BYTES_MAX) throw new Unanswered('The answer of JupyterHub is too long to be one.')
    parts.push(part)
  }
  return Buffer.concat(parts).toString('utf8')
}

function parsed<T>(schema: z.ZodType<T>, body: string): T {
  try {
    return schema.parse(JSON.parse(body))
  } catch (error) {
    throw new Unanswered('What answers at the configured address is not JupyterHub’s API.', { cause: error })
  }
}

function stopIfAborted(signal: AbortSignal): void {
  if (!signal.aborted) return
  const reason: unknown = signal.reason
  throw reason instanceof TorikiError ? reason : new TorikiError('interrupted', { cause: reason })
}
