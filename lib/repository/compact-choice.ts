/**
 * Which packs are worth packing anew. Pure. As restic's `--max-unused`: a share of what the packs hold may be dead, and when there is more the packs with the largest
 * dead share go first, since they free most for what must be copied; so one that is nearly alive is seldom touched.
 */
export interface PackUse {
  readonly packId: string
  /** Plaintext. */
  readonly heldBytes: number
  readonly neededBytes: number
  /** May it be repacked at all? Else it only counts. */
  readonly isEligible: boolean
}

export interface ChoiceLimits {
  /** From 0, when nothing dead is left, to 1. */
  readonly deadShareMax: number
  /** Nothing is chosen to free less. */
  readonly deadBytesMin: number
}

/** Worst first. Packs of which nothing is needed are not chosen: prune takes them as they are. */
export function packsToRepack(
  packs: readonly PackUse[],
  { deadShareMax, deadBytesMin }: ChoiceLimits,
): readonly PackUse[] {
  const needed = packs.filter(({ neededBytes }) => neededBytes > 0)
  const neededBytes = needed.reduce((sum, one) => sum + one.neededBytes, 0)
  const eligible = needed
    .filter((one) => one.isEligible && deadOf(one) > 0)
    .sort((a, b) => shareOf(b) - shareOf(a) || (a.packId < b.packId ? -1 : 1))
  const all = eligible.reduce((sum, one) => sum + deadOf(one), 0)
  if (all < deadBytesMin) return []
  const allowedBytes = deadShareMax >= 1 ? Number.POSITIVE_INFINITY : (neededBytes * deadShareMax) / (1 - deadShareMax)
  const chosen: PackUse[] = []
  let left = all
  for (const one of eligible) {
    if (left <= allowedBytes) break
    chosen.push(one)
    left -= deadOf(one)
  }
  return chosen
}

export function deadOf({ heldBytes, neededBytes }: PackUse): number {
  return heldBytes - neededBytes
}

function shareOf(pack: PackUse): number {
  return deadOf(pack) / pack.heldBytes
}
