/** Logs in and knows who asks: client credentials of the realm's clients, people by name and password, one administrator of the master realm. */
import type { IncomingMessage } from 'node:http'
import { systemClock } from '../../../platform/clock.ts'
import { readBody } from './body.ts'
import { fixedBytes } from './fixed-id.ts'
import { isCode, isPassword } from './password.ts'
import type { DemoCredential, DemoRealm } from './realm.ts'
import type { Quirks } from './version.ts'

interface TokenAnswer {
  readonly status: number
  readonly body: object
}

const CLIENT_TOKEN_SECONDS = 300
/** Short, as the real one: a backup outlives many of them. */
const ADMINISTRATOR_TOKEN_SECONDS = 60

export class TokenDesk {
  readonly #realmNow: () => DemoRealm
  readonly #quirks: Quirks
  readonly #administrator: { readonly username: string; readonly password: string }
  /** Token → roles of realm-management. Tokens of a stand-in do not end by time: its clock is nobody's. */
  readonly #roles = new Map<string, ReadonlySet<string>>()
  /** One-time codes are taken once. */
  readonly #codes = new Set<string>()
  #serial = 0

  constructor(
    realm: () => DemoRealm,
    quirks: Quirks,
    administrator: { readonly username: string; readonly password: string },
  ) {
    this.#realmNow = realm
    this.#quirks = quirks
    this.#administrator = administrator
  }

  get #realm(): DemoRealm {
    return this.#realmNow()
  }

  /** `undefined`: no token of ours. */
  rolesOf(authorization: string | undefined): ReadonlySet<string> | undefined {
    return this.#roles.get(authorization?.replace(/^Bearer /, '') ?? '')
  }

  async answer(request: IncomingMessage, realmName: string): Promise<TokenAnswer> {
    const form = new URLSearchParams(await readBody(request))
    if (realmName !== this.#realm.name && realmName !== 'master')
      return { status: 404, body: { error: 'Realm does not exist' } }
    switch (form.get('grant_type')) {
      case 'client_credentials':
        return this.#forClient(form)
      case 'password':
        return realmName === 'master' ? this.#forAdministrator(form) : this.#forPerson(form)
      case 'refresh_token':
        return form.get('refresh_token')?.startsWith('refresh-') === true
          ? this.#grantAdministrator()
          : { status: 400, body: { error: 'invalid_grant', error_description: 'Invalid refresh token' } }
      default:
        return { status: 400, body: { error: 'unsupported_grant_type' } }
    }
  }

  #forClient(form: URLSearchParams): TokenAnswer {
    const client = [...this.#realm.clients.values()].find(({ clientId }) => clientId === form.get('client_id'))
    if (client === undefined || client.secret !== form.get('client_secret'))
      return {
        status: 401,
        body: { error: 'invalid_client', error_description: 'Invalid client or Invalid client credentials' },
      }
    if (!client.serviceAccount)
      return {
        status: 401,
        body: { error: 'unauthorized_client', error_description: 'Client not enabled to retrieve service account' },
      }
    const account = [...this.#realm.serviceAccounts.values()].find(
      ({ serviceAccountOf }) => serviceAccountOf === client.clientId,
    )
    return {
      status: 200,
      body: {
        access_token: this.#issue('realm-management', account?.clientRoles['realm-management'] ?? []),
        expires_in: CLIENT_TOKEN_SECONDS,
        refresh_expires_in: 0,
        token_type: 'Bearer',
      },
    }
  }

  /** Somebody of the realm, by name, password and, with a device, its code. */
  #forPerson(form: URLSearchParams): TokenAnswer {
    const refused = (error_description: string, status: number = this.#quirks.wrongLogin): TokenAnswer => ({
      status,
      body: { error: 'invalid_grant', error_description },
    })
    const client = [...this.#realm.clients.values()].find(({ clientId }) => clientId === form.get('client_id'))
    if (client?.directGrants !== true)
      return {
        status: 400,
        body: { error: 'unauthorized_client', error_description: 'Client not allowed for direct access grants' },
      }
    const user = this.#realm.userNamed((form.get('username') ?? '').toLowerCase())
    if (user === undefined) return refused('Invalid user credentials')
    if (!user.enabled) return refused('Account disabled', 400)
    const password = user.credentials.find(({ type }) => type === 'password')
    if (password === undefined || !isPassword(password, form.get('password') ?? ''))
      return refused('Invalid user credentials')
    const devices = user.credentials.filter(({ type }) => type === 'otp')
    if (devices.length > 0 && !this.#takesCode(devices, form.get('totp') ?? ''))
      return refused('Invalid user credentials')
    if (user.requiredActions.length > 0) return refused('Account is not fully set up', 400)
    return {
      status: 200,
      body: { access_token: this.#issue('account', []), expires_in: CLIENT_TOKEN_SECONDS, token_type: 'Bearer' },
    }
  }

  #takesCode(devices: readonly DemoCredential[], code: string): boolean {
    const device = devices.find((one) => isCode(one, code, systemClock.now().getTime()))
    const used = `${device?.id} ${code}`
    if (device === undefined || this.#codes.has(used)) return false
    this.#codes.add(used)
    return true
  }

  #forAdministrator(form: URLSearchParams): TokenAnswer {
    const { username, password } = this.#administrator
    if (form.get('username') !== username || form.get('password') !== password)
      return {
        status: this.#quirks.wrongLogin,
        body: { error: 'invalid_grant', error_description: 'Invalid user credentials' },
      }
    return this.#grantAdministrator()
  }

  #grantAdministrator(): TokenAnswer {
    const token = this.#issue(`${this.#realm.name}-realm`, ['realm-admin', 'manage-users', 'view-users', 'view-realm'])
    return {
      status: 200,
      body: {
        access_token: token,
        expires_in: ADMINISTRATOR_TOKEN_SECONDS,
        refresh_token: `refresh-${this.#serial}`,
        refresh_expires_in: 1800,
        token_type: 'Bearer',
      },
    }
  }

  #issue(client: string, roles: readonly string[]): string {
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
    const claims = {
      typ: 'Bearer',
      jti: String(++this.#serial),
      ...(roles.length === 0 ? {} : { resource_access: { [client]: { roles } } }),
    }
    const token = `${part({ alg: 'none' })}.${part(claims)}.${fixedBytes(this.#realm.seed, 'token', String(this.#serial)).toString('base64url')}`
    this.#roles.set(token, new Set(roles))
    return token
  }
}
