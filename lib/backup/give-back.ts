/** How long a message rests that is given back. */

/** The pause before the second attempt; doubled for each further one, up to the last (the longest delay a queue knows). */
export const GIVE_BACK_FIRST_MS = 15_000
export const GIVE_BACK_LAST_MS = 900_000

/** Doubled by every attempt and drawn from its upper half, so that messages that failed together do not come back together; longer where the source asked for it. */
export function giveBackPauseMs(attempt: number, fraction: number, askedMs = 0): number {
  const longest = Math.min(GIVE_BACK_LAST_MS, GIVE_BACK_FIRST_MS * 2 ** (attempt - 1))
  return Math.min(GIVE_BACK_LAST_MS, Math.max(askedMs, longest * (0.5 + fraction / 2)))
}
