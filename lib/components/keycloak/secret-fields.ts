/**
 * Takes secret values out of a body. What is secret is told by its name. A value that the server masks is no value: it is left out, and named.
 */
import type { JsonObject, JsonValue } from '../../resources/json.ts'

export interface Separated {
  readonly state: JsonObject
  /** Dotted name of the member → value. */
  readonly secrets: Readonly<Record<string, string>>
  /** Dotted names of the members that the server masks, ascending. */
  readonly masked: readonly string[]
}

/** What Keycloak answers instead of a secret. */
export const MASK = '**********'

/** `clientSecret`, `bindCredential`, `smtpServer.password`, `saml.signing.private.key`, `client.secret.rotated`, `secret.key`, `apiKey`, … */
const SECRET_NAME =
  /(^|[._-]|[a-z])(secret|password|passwd|passphrase|credential|private[._-]?key|api[._-]?key|secret[._-]?key|access[._-]?token)(\.rotated)?$/i
/** Switches with such names (`client.secret.required`) are no secrets, and a word in braces points to a vault. */
const NO_SECRET = /^(|true|false|\$\{vault\..+\})$/

export function separateSecrets(body: JsonObject): Separated {
  const secrets: Record<string, string> = {}
  const masked: string[] = []
  const state = walk(body, [], secrets, masked) as JsonObject
  return { state, secrets, masked: masked.sort() }
}

export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name)
}

function walk(
  value: JsonValue,
  path: readonly string[],
  secrets: Record<string, string>,
  masked: string[],
): JsonValue | undefined {
  const name = path.at(-1) ?? ''
  if (typeof value === 'string') {
    if (value === MASK) {
      masked.push(path.join('.'))
      return undefined
    }
    if (!isSecretName(name) || NO_SECRET.test(value)) return value
    secrets[path.join('.')] = value
    return undefined
  }
  if (Array.isArray(value)) {
    const items = value as readonly JsonValue[]
    // A component's configuration holds lists of one text each.
    if (items.length === 1 && typeof items[0] === 'string')
      return walk(items[0], path, secrets, masked) === undefined ? undefined : value
    return items.map((item, index) => walk(item, [...path, String(index)], secrets, masked) ?? null)
  }
  if (typeof value !== 'object' || value === null) return value
  const members: [string, JsonValue][] = []
  for (const [member, inner] of Object.entries(value)) {
    const kept = walk(inner, [...path, member], secrets, masked)
    if (kept !== undefined) members.push([member, kept])
  }
  return Object.fromEntries(members)
}
