/** Hashes and one-time codes, made and checked as Keycloak does it. */
import { argon2Sync, createHmac, pbkdf2Sync, timingSafeEqual } from 'node:crypto'
import { fixedBytes } from './fixed-id.ts'
import type { DemoCredential } from './realm.ts'

/** Few, so that ten thousand people are made at once; each hash says how many it has. */
const ITERATIONS = 10
const KEY_BYTES = 64
const PERIOD_SECONDS = 30
/** The realm's look-ahead window. */
const WINDOW = 1

interface Hashing {
  readonly algorithm: string
  readonly hashIterations: number
  readonly additionalParameters?: Readonly<Record<string, readonly string[]>>
}

/** What somebody logs in with who was made with this seed; `turn` counts how often the password was changed. */
export function demoPassword(username: string, turn = 0): string {
  return `demo-password-${username}-${turn}`
}

/** The two texts that Keycloak keeps of a password. */
export function hashPassword(password: string, salt: Buffer): Pick<DemoCredential, 'secretData' | 'credentialData'> {
  const value = pbkdf2Sync(password, salt, ITERATIONS, KEY_BYTES, 'sha512')
  const hashing: Hashing = { hashIterations: ITERATIONS, algorithm: 'pbkdf2-sha512', additionalParameters: {} }
  return {
    secretData: JSON.stringify({
      value: value.toString('base64'),
      salt: salt.toString('base64'),
      additionalParameters: {},
    }),
    credentialData: JSON.stringify(hashing),
  }
}

/** A salt of its own for each password, the same in every start. */
export function fixedSalt(...words: readonly string[]): Buffer {
  return fixedBytes('salt', ...words).subarray(0, 16)
}

export function isPassword({ secretData, credentialData }: DemoCredential, password: string): boolean {
  const secret = JSON.parse(secretData) as { value: string; salt: string }
  const wanted = Buffer.from(secret.value, 'base64')
  const found = hash(JSON.parse(credentialData) as Hashing, password, Buffer.from(secret.salt, 'base64'), wanted.length)
  return found !== undefined && found.length === wanted.length && timingSafeEqual(found, wanted)
}

/** `undefined`: nothing that this server can check. */
function hash(
  { algorithm, hashIterations, additionalParameters = {} }: Hashing,
  password: string,
  salt: Buffer,
  length: number,
): Buffer | undefined {
  if (algorithm === 'argon2') {
    const [memory, parallelism] = ['memory', 'parallelism'].map((name) => Number(additionalParameters[name]?.[0]))
    return argon2Sync('argon2id', {
      ...{ message: password, nonce: salt, passes: hashIterations, tagLength: length },
      ...{ memory: memory ?? 7168, parallelism: parallelism ?? 1 },
    })
  }
  const digest = /^pbkdf2(?:-(sha256|sha512))?$/.exec(algorithm)
  return digest === null ? undefined : pbkdf2Sync(password, salt, hashIterations, length, digest[1] ?? 'sha1')
}

/** RFC 6238; the secret is the text itself. */
export function codeAt(secret: string, counter: number): string {
  const message = Buffer.alloc(8)
  message.writeBigUInt64BE(BigInt(counter))
  const mac = createHmac('sha1', secret).update(message).digest()
  const offset = (mac.at(-1) ?? 0) & 0xf
  return String((mac.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, '0')
}

/** Is this one of the device's codes about now? */
export function isCode(device: DemoCredential, code: string, nowMs: number): boolean {
  const now = counterAt(nowMs)
  for (let counter = now - WINDOW; counter <= now + WINDOW; counter++)
    if (codeAt(secretOf(device), counter) === code) return true
  return false
}

export function counterAt(nowMs: number): number {
  return Math.floor(nowMs / 1000 / PERIOD_SECONDS)
}

/** What is secret in it: a hash, or a device's seed. */
export function secretOf({ secretData }: DemoCredential): string {
  return (JSON.parse(secretData) as { value: string }).value
}
