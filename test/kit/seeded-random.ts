/** Randomness that a seed repeats: the key stream of AES-256-CTR under the seed's digest. Never used where a secret matters. */
import { createCipheriv, createHash } from 'node:crypto'
import type { Random } from '../../lib/platform/random.ts'

export function seededRandom(seed: string | number): Random {
  const key = createHash('sha256').update(`toriki test seed ${seed}`).digest()
  const stream = createCipheriv('aes-256-ctr', key, Buffer.alloc(16))
  const bytes = (count: number): Buffer => stream.update(Buffer.alloc(count))
  return { bytes, fraction: () => bytes(6).readUIntBE(0, 6) / 2 ** 48 }
}
