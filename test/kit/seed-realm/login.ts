import type { KeycloakServer } from '../servers/keycloak.ts'
import { REALM } from './building.ts'
import { LOGIN_CLIENT, LOGIN_REDIRECT } from './clients.ts'
import { otpCode, type OtpDevice } from './credentials.ts'

type Place = Pick<KeycloakServer, 'url'>

/** How a login by the password grant ended. */
export interface Login {
  readonly accepted: boolean
  /** HTTP status: a refusal is 400 on 26.7, 401 before. */
  readonly status: number
  /** Keycloak's `error_description`, such as `Invalid user credentials`, `Account disabled` or `Account is not fully set up`. */
  readonly reason: string | undefined
}

export interface Credentials {
  readonly username: string
  readonly password: string
  /** The device to make a code with; a person with devices is refused without one. */
  readonly device?: OtpDevice
}

/** Logs a person in through the client `testapp` as a browserless program would. A refusal is an answer, not an error. */
export async function loginWithPassword(server: Place, credentials: Credentials): Promise<Login> {
  const { username, password, device } = credentials
  const code: Record<string, string> = device === undefined ? {} : { totp: unusedCode(device) }
  const response = await fetch(`${server.url}/realms/${REALM}/protocol/openid-connect/token`, {
    method: 'POST',
    body: new URLSearchParams({ grant_type: 'password', client_id: LOGIN_CLIENT, username, password, ...code }),
    signal: AbortSignal.timeout(240_000),
  })
  const answer = (await response.json()) as { access_token?: string; error_description?: string }
  const accepted = response.ok && answer.access_token !== undefined
  return { accepted, status: response.status, reason: answer.error_description }
}

/** Gets an access token by client credentials; throws when they are refused. */
export async function clientToken(
  server: Place,
  client: { readonly clientId: string; readonly secret: string },
): Promise<string> {
  const body = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: client.clientId,
    client_secret: client.secret,
  })
  const url = `${server.url}/realms/${REALM}/protocol/openid-connect/token`
  const response = await fetch(url, { method: 'POST', body, signal: AbortSignal.timeout(240_000) })
  if (!response.ok)
    throw new Error(`Client ${client.clientId} was refused: ${response.status} ${await response.text()}`)
  return ((await response.json()) as { access_token: string }).access_token
}

const lastCounter = new Map<string, number>()
const PERIOD_MS = 30_000
/** The realm's look-ahead window: codes of two periods before and after are taken. */
const WINDOW = 2

/**
 * A code Keycloak has not seen: it refuses one that was used. Instead of waiting for the next period, codes of neighbouring periods are used,
 * so that five logins by one device in one period work.
 */
function unusedCode(device: OtpDevice): string {
  const now = Math.floor(Date.now() / PERIOD_MS)
  // One step is left at either end, for a period that ends while the request is under way.
  const counter = Math.max(now - WINDOW + 1, (lastCounter.get(device.secret) ?? 0) + 1)
  if (counter > now + WINDOW) throw new Error(`The device "${device.label}" has used up the codes of this period.`)
  lastCounter.set(device.secret, counter)
  return otpCode(device, counter)
}

/**
 * The person changes the own password in Keycloak's own pages, as the account console does (`kc_action=UPDATE_PASSWORD`): no administrator
 * takes part, so no admin event is written. Throws when Keycloak does not confirm the change.
 */
export async function changeOwnPassword(
  server: Place,
  username: string,
  password: string,
  next: string,
): Promise<void> {
  const cookies = new Map<string, string>()
  const query = new URLSearchParams({
    client_id: LOGIN_CLIENT,
    redirect_uri: LOGIN_REDIRECT,
    response_type: 'code',
    scope: 'openid',
    kc_action: 'UPDATE_PASSWORD',
  })
  const answers = { username, password, 'password-new': next, 'password-confirm': next }
  let response = await visit(`${server.url}/realms/${REALM}/protocol/openid-connect/auth?${query}`, cookies)
  for (let step = 0; step < 10; step++) {
    const location = response.headers.get('location')
    if (location?.startsWith(LOGIN_REDIRECT)) {
      if (new URL(location).searchParams.get('kc_action_status') === 'success') return
      throw new Error(`Keycloak did not change the password of ${username}: ${location}`)
    }
    if (location !== null) {
      response = await visit(location, cookies)
      continue
    }
    const page = await response.text()
    const action = /<form[^>]*\saction="([^"]+)"/.exec(page)?.[1]?.replaceAll('&amp;', '&')
    const fields = Object.entries(answers).filter(([name]) => page.includes(`name="${name}"`))
    if (action === undefined || fields.length === 0) throw new Error(`No form for ${username}: ${page.slice(0, 2000)}`)
    response = await visit(action, cookies, new URLSearchParams(fields))
  }
  throw new Error(`The password pages of ${username} did not come to an end.`)
}

/** One request of a browser: cookies are kept, redirects are left to the caller. */
async function visit(url: string, cookies: Map<string, string>, form?: URLSearchParams): Promise<Response> {
  const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  const response = await fetch(url, {
    method: form === undefined ? 'GET' : 'POST',
    redirect: 'manual',
    headers: { cookie },
    signal: AbortSignal.timeout(240_000),
    ...(form === undefined ? {} : { body: form }),
  })
  for (const line of response.headers.getSetCookie()) {
    const [name = '', value = ''] = (line.split(';')[0] ?? '').split(/=(.*)/s)
    if (value === '' || /max-age=0/i.test(line)) cookies.delete(name)
    else cookies.set(name, value)
  }
  return response
}
