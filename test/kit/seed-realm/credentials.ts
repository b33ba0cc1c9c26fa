import { argon2Sync, createHmac, pbkdf2Sync } from 'node:crypto'
import { fixedId } from './secrets.ts'

/** A credential as partialImport and POST take it, and as the database holds it. */
export interface CredentialRecord {
  readonly id: string
  readonly type: string
  readonly userLabel?: string
  readonly createdDate: number
  readonly priority: number
  readonly secretData: string
  readonly credentialData: string
}

/** The moment every seeded credential claims to have been made: 2023-11-14T22:13:20Z. */
export const CREDENTIAL_DATE = 1_700_000_000_000

export type HashKind = 'argon2' | 'pbkdf2-sha256' | 'pbkdf2-sha512'

/**
 * A password hash with a fixed salt, as Keycloak itself writes it: argon2id with 26's defaults, pbkdf2-sha256 with 15's 27,500 iterations,
 * pbkdf2-sha512 with 24's 210,000. Other numbers of iterations would be re-hashed at the first login.
 */
export function passwordCredential(owner: string, password: string, kind: HashKind): CredentialRecord {
  const salt = Buffer.from(fixedId(`salt ${owner}`).replaceAll('-', ''), 'hex')
  const { value, data } = hash(password, salt, kind)
  return {
    id: fixedId(`password ${owner}`),
    type: 'password',
    createdDate: CREDENTIAL_DATE,
    priority: 10,
    secretData: JSON.stringify({
      value: value.toString('base64'),
      salt: salt.toString('base64'),
      additionalParameters: {},
    }),
    credentialData: JSON.stringify(data),
  }
}

function hash(password: string, salt: Buffer, kind: HashKind): { value: Buffer; data: object } {
  if (kind === 'argon2') {
    const numbers = { parallelism: 1, tagLength: 32, memory: 7168, passes: 5 }
    const value = argon2Sync('argon2id', { message: password, nonce: salt, ...numbers })
    const additionalParameters = {
      hashLength: ['32'],
      memory: ['7168'],
      type: ['id'],
      version: ['1.3'],
      parallelism: ['1'],
    }
    return { value, data: { hashIterations: 5, algorithm: 'argon2', additionalParameters } }
  }
  const hashIterations = kind === 'pbkdf2-sha256' ? 27_500 : 210_000
  const value = pbkdf2Sync(password, salt, hashIterations, 64, kind.slice('pbkdf2-'.length))
  return { value, data: { hashIterations, algorithm: kind, additionalParameters: {} } }
}

/** A one-time-code device: the secret is the raw text, six digits, thirty seconds, SHA-1, whatever the realm's policy for new devices says. */
export interface OtpDevice {
  readonly label: string
  readonly secret: string
}

export function otpCredential(owner: string, device: OtpDevice, priority: number): CredentialRecord {
  return {
    id: fixedId(`otp ${owner} ${device.label}`),
    type: 'otp',
    userLabel: device.label,
    // The device that is tried first was made last.
    createdDate: CREDENTIAL_DATE + 1000 - priority,
    priority,
    secretData: JSON.stringify({ value: device.secret }),
    credentialData: JSON.stringify({ subType: 'totp', digits: 6, counter: 0, period: 30, algorithm: 'HmacSHA1' }),
  }
}

/** The code of `device` for a counter (Unix seconds divided by 30), RFC 6238. */
export function otpCode(device: OtpDevice, counter: number): string {
  const message = Buffer.alloc(8)
  message.writeBigUInt64BE(BigInt(counter))
  const mac = createHmac('sha1', device.secret).update(message).digest()
  const offset = (mac.at(-1) ?? 0) & 0xf
  return String((mac.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, '0')
}

/** A passkey that no authenticator holds: unknown kinds of credential must pass through unread. */
export function webauthnCredential(owner: string): CredentialRecord {
  const data = {
    aaguid: fixedId('aaguid'),
    credentialId: Buffer.from(`credential of ${owner}`).toString('base64url'),
    counter: 7,
    attestationStatementFormat: 'none',
    credentialPublicKey: Buffer.from(`public key of ${owner}`).toString('base64url'),
  }
  return {
    id: fixedId(`webauthn ${owner}`),
    type: 'webauthn',
    userLabel: 'Schlüssel am Bund',
    createdDate: CREDENTIAL_DATE,
    priority: 20,
    secretData: '{}',
    credentialData: JSON.stringify(data),
  }
}
