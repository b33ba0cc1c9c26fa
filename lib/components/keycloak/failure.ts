/**
 * What went wrong between us and Keycloak, as a coded error. Nothing of an answer's body and no address below the server's goes into one: answers name
 * people. The cause keeps a status or a system's code.
 */
import { NetworkError } from '@keycloak/keycloak-admin-client'
import * as z from 'zod'
import { TorikiError } from '../../errors.ts'
import type { Right } from './right.ts'

/** Nothing but a status or a code: an answer's own text may name people. */
export class KeycloakAnswer extends Error {
  override readonly name = 'KeycloakAnswer'
}

/**
 * The error for something that a request threw. Those that may pass by themselves have retry class `now`.
 * `right`: what the request needs, named when it is refused.
 */
export function keycloakFailure(error: unknown, right: Right | undefined): TorikiError {
  if (error instanceof TorikiError) return error
  if (error instanceof NetworkError) return answerFailure(error.response, right)
  if (error instanceof z.ZodError)
    return unexpected(
      'The source answered something that is not what this call answers.',
      new KeycloakAnswer(issueOf(error)),
    )
  return connectionFailure(error)
}

/** The error for an answer that is not a success. */
export function answerFailure(
  response: { readonly status: number; readonly headers: Headers; readonly url?: string },
  right: Right | undefined,
): TorikiError {
  const { status } = response
  const cause = new KeycloakAnswer(`HTTP ${status}`)
  const call = callOf(response.url)
  const ids = { status, ...(call === undefined ? {} : { call }) }
  if (status === 401) return new TorikiError('source-credentials', { ids, cause })
  if (status === 403) {
    if (right === undefined) return new TorikiError('source-rights', { ids, cause })
    return new TorikiError('source-rights', {
      message: `Our credentials lack the right ${right}.`,
      remedy: grantRemedy([right]),
      ids,
      cause,
    })
  }
  if (status === 429 || status === 503) {
    const retryAfterMs = retryAfter(response.headers)
    return new TorikiError('source-busy', {
      retry: 'now',
      ids,
      cause,
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    })
  }
  if (status >= 500) return new TorikiError('source-failed', { retry: 'now', ids, cause })
  if (status >= 300 && status < 400) {
    const origin = originOf(response.headers.get('location'))
    return new TorikiError('source-unexpected', {
      message: `The source sends us elsewhere${origin === undefined ? '' : ` (to ${origin})`}, and we do not follow.`,
      remedy:
        'Put the address it points to into components.keycloak.url, if that is Keycloak and not a login page or proxy.',
      ids,
      cause,
    })
  }
  return new TorikiError('source-unexpected', { ids, cause })
}

/** Which call it was; ids and names in it are stars. */
function callOf(url: string | undefined): string | undefined {
  if (url === undefined || !URL.canParse(url)) return undefined
  const [, path] = /\/admin\/(?:realms\/[^/]+\/?)?(.*)$/.exec(new URL(url).pathname) ?? []
  return path === undefined
    ? undefined
    : path === ''
      ? 'realm'
      : path
          .split('/')
          .map((segment) => (CALL_WORDS.has(segment) ? segment : '*'))
          .join('/')
}

const CALL_WORDS: ReadonlySet<string> = new Set([
  ...[
    'users',
    'count',
    'profile',
    'groups',
    'children',
    'role-mappings',
    'consents',
    'credentials',
    'roles',
    'roles-by-id',
    'composites',
    'clients',
    'client-secret',
  ],
  ...[
    'service-account-user',
    'scope-mappings',
    'authz',
    'resource-server',
    'settings',
    'client-scopes',
    'default-default-client-scopes',
    'default-optional-client-scopes',
  ],
  ...[
    'default-groups',
    'authentication',
    'flows',
    'executions',
    'config',
    'required-actions',
    'identity-provider',
    'instances',
    'mappers',
    'components',
    'organizations',
  ],
  ...['members', 'identity-providers', 'client-policies', 'profiles', 'policies', 'localization', 'serverinfo'],
])

/** An answer that came, and is not Keycloak's. */
export function unexpected(message: string, cause?: unknown): TorikiError {
  return new TorikiError('source-unexpected', { message, cause })
}

export function grantRemedy(rights: readonly string[]): string {
  if (rights.includes('realm-admin'))
    return 'Grant realm-admin of the client realm-management to the service account that restores, and take it away again afterwards: only with it one gives others what one does not have.'
  const list = rights.join(', ')
  return `Grant ${list} of the client realm-management to the service account that we use (\`toriki init keycloak\` prints the commands).`
}

function connectionFailure(error: unknown): TorikiError {
  const code = systemCode(error)
  const cause = new KeycloakAnswer(code)
  if (code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE')
    return unexpected('The source answered more than anything that Keycloak answers.', cause)
  if (/CERT|SELF_SIGNED|UNABLE_TO_|ERR_TLS/.test(code)) {
    return new TorikiError('source-unreachable', {
      message: `The certificate of the source is not trusted (${code}).`,
      remedy:
        'Name the certificate of its authority under components.keycloak.ca, or give the server a certificate for this name.',
      retry: 'never',
      cause,
    })
  }
  return new TorikiError('source-unreachable', {
    message: `The source does not answer (${code}).`,
    retry: 'now',
    cause,
  })
}

/** A code such as ECONNREFUSED, from however deep; never a message, which may hold an address. */
export function systemCode(error: unknown): string {
  for (let at: unknown = error, depth = 0; typeof at === 'object' && at !== null && depth < 5; depth++) {
    const { code, name, cause, errors } = at as { code?: unknown; name?: unknown; cause?: unknown; errors?: unknown }
    if (typeof code === 'string' && /^[A-Za-z0-9_]{1,64}$/.test(code)) return code
    if (name === 'TimeoutError') return 'time-out'
    at = cause ?? (Array.isArray(errors) ? errors[0] : undefined)
  }
  return 'connection failed'
}

/** `Retry-After` in seconds, or as a date, which counts from the server's own `Date` (RFC 9110 §10.2.3), in milliseconds. */
function retryAfter(headers: Headers): number | undefined {
  const header = headers.get('retry-after')
  if (header === null) return undefined
  const seconds = Number(header)
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1000)
  const ms = Date.parse(header) - Date.parse(headers.get('date') ?? '')
  return Number.isNaN(ms) ? undefined : Math.max(0, ms)
}

function originOf(location: string | null): string | undefined {
  return location !== null && URL.canParse(location) ? new URL(location).origin : undefined
}

function issueOf(error: z.ZodError): string {
  const issue = error.issues[0]
  return `${issue?.code ?? 'invalid'} at ${(issue?.path ?? []).map((part) => (typeof part === 'number' ? '[]' : String(part))).join('.') || 'the top'}`
}
