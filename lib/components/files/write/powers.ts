/** What this process may do that not everybody may, as Linux counts it. */
import { readFileSync } from 'node:fs'

export interface Powers {
  readonly uid: number
  readonly gid: number
  readonly groups: ReadonlySet<number>
  /** Give files to anybody (CAP_CHOWN). */
  readonly mayGive: boolean
  /** Go into directories that are closed (CAP_DAC_OVERRIDE). */
  readonly mayEnterAll: boolean
}

const CAP_CHOWN = 0n
const CAP_DAC_OVERRIDE = 1n

export function ownPowers(): Powers {
  const [uid, gid] = [process.geteuid?.() ?? 0, process.getegid?.() ?? 0]
  const capabilities = effectiveCapabilities() ?? (uid === 0 ? -1n : 0n)
  return {
    uid,
    gid,
    groups: new Set([gid, ...(process.getgroups?.() ?? [])]),
    mayGive: has(capabilities, CAP_CHOWN),
    mayEnterAll: has(capabilities, CAP_DAC_OVERRIDE),
  }
}

function has(capabilities: bigint, bit: bigint): boolean {
  return ((capabilities >> bit) & 1n) === 1n
}

function effectiveCapabilities(): bigint | undefined {
  try {
    const found = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'latin1'))
    return found === null ? undefined : BigInt(`0x${found[1]}`)
  } catch {
    return undefined // no /proc: then only the user tells
  }
}
