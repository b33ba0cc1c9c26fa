/** The receiver's side of docs/format.md, "Sealing to the content key": HPKE (RFC 9180), base mode, X25519, HKDF-SHA256, export-only. */
import { createHmac, createPrivateKey, createPublicKey, diffieHellman } from 'node:crypto'
import { Buffer } from 'node:buffer'

const KEM = Buffer.concat([Buffer.from('KEM'), Buffer.of(0x00, 0x20)])
const SUITE = Buffer.concat([Buffer.from('HPKE'), Buffer.of(0x00, 0x20, 0x00, 0x01, 0xff, 0xff)])

/** The parent key that `enc` and the private key give for `info`. */
export function exportParentKey(enc: Buffer, privateKey: Buffer, info: Buffer): Buffer {
  const publicKey = publicKeyOf(privateKey)
  const shared = diffieHellman({ privateKey: privateObject(privateKey), publicKey: publicObject(enc) })
  if (shared.equals(Buffer.alloc(32))) throw new Error('a shared value of zeros')
  const secret = expand(KEM, extract(KEM, '', 'eae_prk', shared), 'shared_secret', Buffer.concat([enc, publicKey]))
  const context = Buffer.concat([
    Buffer.of(0),
    extract(SUITE, '', 'psk_id_hash', ''),
    extract(SUITE, '', 'info_hash', info),
  ])
  const exporter = expand(SUITE, extract(SUITE, secret, 'secret', ''), 'exp', context)
  return expand(SUITE, exporter, 'sec', Buffer.from('toriki seal'))
}

export function publicKeyOf(privateKey: Buffer): Buffer {
  const { x } = createPublicKey(privateObject(privateKey)).export({ format: 'jwk' })
  return Buffer.from(String(x), 'base64url')
}

function extract(suite: Buffer, salt: string | Buffer, label: string, input: string | Buffer): Buffer {
  return createHmac('sha256', salt).update('HPKE-v1').update(suite).update(label).update(input).digest()
}

/** One block of output is 32 bytes: all that is asked for here. */
function expand(suite: Buffer, key: Buffer, label: string, info: Buffer): Buffer {
  return createHmac('sha256', key)
    .update(Buffer.of(0, 32))
    .update('HPKE-v1')
    .update(suite)
    .update(label)
    .update(info)
    .update(Buffer.of(1))
    .digest()
}

function privateObject(raw: Buffer): ReturnType<typeof createPrivateKey> {
  const pkcs8 = Buffer.concat([Buffer.from('302e020100300506032b656e04220420', 'hex'), raw])
  return createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' })
}

function publicObject(raw: Buffer): ReturnType<typeof createPublicKey> {
  return createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x: raw.toString('base64url') }, format: 'jwk' })
}
