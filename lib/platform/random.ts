/** Randomness, as an argument: production takes the operating system's, simulation a seeded one. */
import { randomBytes } from 'node:crypto'

export interface Random {
  /** Cryptographically strong in production. */
  bytes(count: number): Buffer
  /** In [0, 1). */
  fraction(): number
}

export const systemRandom: Random = {
  bytes: (count) => randomBytes(count),
  // 48 bits are plenty for jitter, the only use.
  fraction: () => randomBytes(6).readUIntBE(0, 6) / 2 ** 48,
}
