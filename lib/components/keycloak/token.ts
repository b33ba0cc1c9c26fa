/**
 * The access token: asked for with client credentials or a password, renewed before it ends, one request for everybody who waits. Our own, since the
 * library cannot renew a token of client credentials (no refresh token) and renews a password's in the wrong realm.
 */
import { request } from '../../platform/request.ts'
import * as z from 'zod'
import { TorikiError } from '../../errors.ts'
import type { Clock } from '../../platform/clock.ts'
import type { KeycloakSettings } from '../../settings.ts'
import { KeycloakAnswer, answerFailure, keycloakFailure, unexpected } from './failure.ts'
import type { Transport } from './transport.ts'

const grantSchema = z.looseObject({
  access_token: z.string().min(1),
  expires_in: z.number().positive(),
  refresh_token: z.string().optional(),
  refresh_expires_in: z.number().optional(),
})
const refusalSchema = z.looseObject({ error: z.string() })
const claimsSchema = z.looseObject({
  resource_access: z.record(z.string(), z.looseObject({ roles: z.array(z.string()) })).optional(),
})

const TOKEN_TIMEOUT_MS = 30_000
/** A token's answer is a few KiB; with thousands of roles in it some 100 KiB. */
const TOKEN_BYTES_MAX = 4 * 1024 * 1024

interface Grant {
  readonly token: string
  readonly renewAtMs: number
  readonly refresh: { readonly token: string; readonly endsAtMs: number } | undefined
}

export class TokenSource {
  readonly #settings: KeycloakSettings
  readonly #clock: Clock
  readonly #transport: Transport
  #grant: Promise<Grant> | undefined

  constructor(
    settings: KeycloakSettings,
    { clock, transport }: { readonly clock: Clock; readonly transport: Transport },
  ) {
    this.#settings = settings
    this.#clock = clock
    this.#transport = transport
  }

  /**
   * A token that is good for a while.
   * @throws TorikiError `source-credentials`, `source-realm`, `source-path`, `source-unreachable`, `source-unexpected`, `source-busy`, `source-failed`.
   */
  async get(): Promise<string> {
    const known = this.#grant
    const grant = known && (await known)
    if (grant !== undefined && this.#clock.monotonicMs() < grant.renewAtMs) return grant.token
    // Whoever comes first asks; the others wait for the same answer.
    if (this.#grant === known) {
      const asked = this.#ask(grant?.refresh)
      this.#grant = asked
      asked.catch(() => {
        if (this.#grant === asked) this.#grant = undefined
      })
    }
    return this.get()
  }

  /** The server refused this token: the next one is a new one. */
  forget(): void {
    this.#grant = undefined
  }

  /** The roles of realm-management (for an administrator of the master realm: of `REALM-realm`) that the token names; `undefined`: it names none at all. */
  async roles(): Promise<readonly string[] | undefined> {
    const [, payload = ''] = (await this.get()).split('.')
    try {
      const { resource_access: access = {} } = claimsSchema.parse(
        JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')),
      )
      return access['realm-management']?.roles ?? access[`${this.#settings.realm}-realm`]?.roles
    } catch {
      return undefined // a token need not be readable by us
    }
  }

  async #ask(refresh: Grant['refresh']): Promise<Grant> {
    if (refresh !== undefined && this.#clock.monotonicMs() < refresh.endsAtMs && 'username' in this.#settings.login) {
      try {
        return await this.#request(this.#settings.login.adminRealm, {
          grant_type: 'refresh_token',
          client_id: 'admin-cli',
          refresh_token: refresh.token,
        })
      } catch (error) {
        // The session was ended at the server: log in again. What else there is shows there, too.
        if (!(error instanceof TorikiError && error.code === 'source-credentials')) throw error
      }
    }
    const { login, realm } = this.#settings
    return 'client' in login
      ? this.#request(realm, { grant_type: 'client_credentials', client_id: login.client, client_secret: login.secret })
      : this.#request(login.adminRealm, {
          grant_type: 'password',
          client_id: 'admin-cli',
          username: login.username,
          password: login.password,
        })
  }

  async #request(realm: string, form: Readonly<Record<string, string>>): Promise<Grant> {
    const { status, headers, text } = await this.#post(
      `${this.#settings.url}/realms/${encodeURIComponent(realm)}/protocol/openid-connect/token`,
      form,
    )
    const json = parseJson(text)
    if (status !== 200) throw tokenFailure({ status, headers }, json)
    const parsed = grantSchema.safeParse(json)
    if (!parsed.success) throw unexpected('The address answers, but not as Keycloak does when one logs in.')
    const {
      access_token: token,
      expires_in: seconds,
      refresh_token: refresh,
      refresh_expires_in: refreshSeconds = 0,
    } = parsed.data
    const nowMs = this.#clock.monotonicMs()
    return {
      token,
      // A third of its life, at most 30 s, is left for requests that are under way and for clocks that differ.
      renewAtMs: nowMs + seconds * 1000 - Math.min(30_000, (seconds * 1000) / 3),
      refresh: refresh === undefined ? undefined : { token: refresh, endsAtMs: nowMs + refreshSeconds * 900 },
    }
  }

  async #post(
    url: string,
    form: Readonly<Record<string, string>>,
  ): Promise<{ status: number; headers: Headers; text: string }> {
    try {
      const response = await request(url, {
        ...this.#transport.options,
        method: 'POST',
        headers: { accept: 'application/json' },
        body: new URLSearchParams(form),
        signal: AbortSignal.timeout(TOKEN_TIMEOUT_MS),
      } as object)
      return { status: response.status, headers: response.headers, text: await boundedText(response) }
    } catch (error) {
      throw keycloakFailure(error, undefined)
    }
  }
}

/** Wrong logins: 401 up to 26.3, 400 in 26.7. A missing realm and a wrong base path are both 404; only Keycloak names the realm. */
function tokenFailure(response: { readonly status: number; readonly headers: Headers }, json: unknown): TorikiError {
  const refusal = refusalSchema.safeParse(json)
  const { status } = response
  const cause = new KeycloakAnswer(`HTTP ${status}`)
  if (status === 404) {
    return refusal.success && /realm/i.test(refusal.data.error)
      ? new TorikiError('source-realm', { ids: { status }, cause })
      : new TorikiError('source-path', { ids: { status }, cause })
  }
  if ((status === 400 || status === 401 || status === 403) && refusal.success) {
    const isNoService = refusal.data.error === 'unauthorized_client'
    return new TorikiError('source-credentials', {
      ids: { status },
      cause,
      ...(isNoService
        ? {
            remedy:
              'Mend client and secret in the settings; the client must be confidential, with its service account turned on.',
          }
        : {}),
    })
  }
  if (status === 405) return new TorikiError('source-path', { ids: { status }, cause })
  if (status === 400 || status === 401 || status === 403)
    return unexpected('The address answers, but not as Keycloak does when one logs in.', cause)
  return answerFailure(response, undefined)
}

async function boundedText(response: Response): Promise<string> {
  const parts: Uint8Array[] = []
  let bytes = 0
  for await (const part of response.body ?? []) {
    bytes += part.length
    if (bytes > TOKEN_BYTES_MAX) throw unexpected('The address answers more than Keycloak does when one logs in.')
    parts.push(part)
  }
  return Buffer.concat(parts).toString('utf8')
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // a login page, say: what it means depends on the status
  }
}
