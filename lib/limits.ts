/** Every bound that is not part of the format and not a setting: with its unit, and why it is what it is. */

/** A message is tried this often before the queue gives up, unless `limits.attempts` says otherwise. SQS with a function asks for at least 5. */
export const ATTEMPTS_DEFAULT = 5
/** Slices worked on at once, unless `limits.parallel` says otherwise. */
export const PARALLEL_DEFAULT = 4
/** Members or entries may fall by this share before a component is suspect. */
export const SHRINK_DEFAULT = 0.2
/** How long a function may work on one message (Lambda's own limit is 900 s). */
export const FUNCTION_TIMEOUT_MS = 900_000
/** A continuation is prepared when no more than this is left. */
export const CONTINUATION_RESERVE_MS = 60_000
/** A queue must hide a message six times as long as a function may run (AWS's rule for SQS triggers). */
export const VISIBILITY_FACTOR = 6
/** First pause of a retry, doubled each time up to the last, each drawn evenly between 0 and itself (full jitter). */
export const RETRY_FIRST_MS = 200
export const RETRY_LAST_MS = 20_000
export const RETRY_TRIES_MAX = 6
/** A pause that a source asks for (`Retry-After`) is honoured inside one attempt up to this; longer goes back to the queue. */
export const RETRY_AFTER_MS_MAX = 60_000
/** Nobody took a message for so long: `backup` says so and ends. */
export const NO_CONSUMER_MS = 60_000
/** Time between two settle ticks of a run. */
export const SETTLE_TICK_SECONDS = 60
/** Longest object we ever read whole: a sealed pack of 16 MiB with a last block over its border, and its table. */
export const OBJECT_BYTES_MAX = 64 * 1024 * 1024
