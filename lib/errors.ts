/**
 * The catalogue of everything that can go wrong in operation, and the one error class that carries it.
 *
 * A `TorikiError` has a stable code, a retry class, a remedy in the imperative, opaque ids only, and its cause. It never holds the name of a
 * person, a file name or a secret: whoever shows it adds the slice. Programmer errors are assertions (`node:assert`), not codes.
 */
import { restoreErrors } from './restore-errors.ts'

/** `now`: try again at once, with back-off. `later`: give the message back to the queue. `never`: a person must act first. */
export type RetryClass = 'now' | 'later' | 'never'

interface CatalogueEntry {
  readonly retry: RetryClass
  readonly message: string
  readonly remedy: string
}

/** Codes are promises: scripts and alarms match on them. Add freely, never rename. Sorted by the room that raises them. */
export const errorCatalogue = {
  // settings and command line
  'settings-missing': {
    retry: 'never',
    message: 'There are no settings.',
    remedy: 'Run `toriki init`, or name a file with --settings.',
  },
  'settings-invalid': { retry: 'never', message: 'The settings are not usable.', remedy: 'Mend the line named above.' },
  'reference-unresolved': {
    retry: 'never',
    message: 'A reference in the settings could not be resolved.',
    remedy: 'Set the variable or file it names.',
  },
  usage: { retry: 'never', message: 'The command was not understood.', remedy: 'See `toriki --help`.' },
  'region-not-allowed': {
    retry: 'never',
    message: 'A region outside the allow-list is named.',
    remedy: 'Use a region of `regions`, or add this one.',
  },
  // platform
  'object-exists': {
    retry: 'never',
    message: 'An object of that name is already there.',
    remedy: 'Nothing to do: objects are created once.',
  },
  'object-not-found': {
    retry: 'never',
    message: 'An object that should be there is missing.',
    remedy: 'Run `toriki check`.',
  },
  'store-unavailable': {
    retry: 'now',
    message: 'The store does not answer.',
    remedy: 'Check that the store is reachable from here.',
  },
  'store-refused': {
    retry: 'never',
    message: 'The store refused the request.',
    remedy: 'Check the rights of this role on the store.',
  },
  'store-full': {
    retry: 'later',
    message: 'The store has no room left.',
    remedy: 'Free space where the store lies, then replay the run.',
  },
  'object-too-large': {
    retry: 'never',
    message: 'An object is larger than anything we write.',
    remedy: 'Run `toriki check`: the object is not ours or is damaged.',
  },
  'queue-unavailable': {
    retry: 'now',
    message: 'The queue does not answer.',
    remedy: 'Check that the queue is reachable from here.',
  },
  'queue-refused': {
    retry: 'never',
    message: 'The queue refused the request.',
    remedy: 'Check the rights of this role on the queue.',
  },
  'key-service-unavailable': {
    retry: 'now',
    message: 'The key service does not answer.',
    remedy: 'Check that the key service is reachable from here.',
  },
  'key-unusable': {
    retry: 'never',
    message: 'The key that locks this deployment cannot be used.',
    remedy: 'Enable the key, or give this role the right to use it.',
  },
  'key-context-mismatch': {
    retry: 'never',
    message: 'A wrapped key belongs to something else.',
    remedy: 'Use the keys of this deployment; run `toriki check` if they are.',
  },
  'keyring-missing': {
    retry: 'never',
    message: 'The keyring is missing.',
    remedy: 'Bring back the keyring file, or name it under `keys.keyring`. Without it nothing can be opened.',
  },
  'keyring-invalid': {
    retry: 'never',
    message: 'The keyring cannot be read.',
    remedy: 'Bring back a good copy of the keyring file.',
  },
  'keyring-foreign': {
    retry: 'never',
    message: 'The keyring belongs to another deployment.',
    remedy: 'Use the keyring that was made with this store.',
  },
  // repository
  'format-newer': {
    retry: 'never',
    message: 'The store was written in a newer format.',
    remedy: 'Use a newer Toriki.',
  },
  'format-older': {
    retry: 'never',
    message: 'The store was written in a format from before version 1, which no release has written and none reads.',
    remedy: 'Make a new deployment with `toriki init` in an empty store, and back up again.',
  },
  'deployment-missing': {
    retry: 'never',
    message: 'There is no deployment in the store.',
    remedy: 'Run `toriki init`, or check the name and the prefix of the store.',
  },
  'deployment-mismatch': {
    retry: 'never',
    message: 'The store belongs to another deployment.',
    remedy: 'Check `deployment` and `store` in the settings.',
  },
  'seal-broken': {
    retry: 'never',
    message: 'A stored object is damaged, or is not the one its place says.',
    remedy: 'Run `toriki check` and restore the object from a copy.',
  },
  'content-locked': {
    retry: 'never',
    message: 'This role may not open content.',
    remedy: 'Use the credentials of the restore role.',
  },
  'slice-erased': { retry: 'never', message: 'This history was erased.', remedy: 'Nothing to do: erasure is final.' },
  'snapshot-not-found': {
    retry: 'never',
    message: 'There is no such snapshot.',
    remedy: 'List them with `toriki snapshots`.',
  },
  'resource-not-found': {
    retry: 'never',
    message: 'There is no such resource in that snapshot.',
    remedy: 'List them with `toriki ls`.',
  },
  'capture-stale': {
    retry: 'later',
    message: 'The backup took too long against a running prune.',
    remedy: 'Nothing to do: it starts again by itself.',
  },
  ...restoreErrors,
  // messages, runs, backup
  'message-unknown': {
    retry: 'never',
    message: 'A message is of a version or kind that is not known here.',
    remedy: 'Deploy the version that wrote it, or drop the message.',
  },
  'message-invalid': {
    retry: 'never',
    message: 'A message cannot be read.',
    remedy: 'Send it again as the contract says.',
  },
  'run-not-found': { retry: 'never', message: 'There is no such run.', remedy: 'List them with `toriki runs`.' },
  'run-open': {
    retry: 'never',
    message: 'A full run is still open.',
    remedy: 'Wait for it, or end it with `toriki cancel`.',
  },
  'run-cancelled': { retry: 'never', message: 'The run was cancelled.', remedy: 'Start another with `toriki backup`.' },
  'no-consumer': {
    retry: 'never',
    message: 'Nobody took a message from the queue.',
    remedy: 'Start `toriki work` or deploy the functions; or set `workers: here`.',
  },
  'slice-unknown': {
    retry: 'never',
    message: 'Nobody knows that user or group.',
    remedy: 'List them with `toriki users`.',
  },
  'slice-gone': {
    retry: 'never',
    message: 'The person or group is gone from every component.',
    remedy: 'Nothing to do, unless that is a surprise.',
  },
  'person-changed': {
    retry: 'later',
    message: 'The name was given to another person while it was backed up.',
    remedy: 'Nothing to do: it starts again by itself.',
  },
  'slice-taken': {
    retry: 'later',
    message: 'Another function was given the same message, and works on the slice.',
    remedy: 'Nothing to do: it goes on by itself.',
  },
  'ended-without-report': {
    retry: 'later',
    message: 'The worker ended without a word: a time-out or a crash.',
    remedy: 'Look at the log of that time; then `toriki replay`.',
  },
  'no-report': {
    retry: 'later',
    message: 'Nothing was heard of this slice.',
    remedy: 'Check that a worker runs; then `toriki replay`.',
  },
  suspect: {
    retry: 'never',
    message: 'The source looks emptied.',
    remedy: 'Check the mount or the server. If it is true, `toriki accept` the run.',
  },
  // components
  'source-unreachable': {
    retry: 'later',
    message: 'The source does not answer.',
    remedy: 'Check its address and that it runs; then `toriki replay`.',
  },
  'source-busy': {
    retry: 'now',
    message: 'The source asks us to wait.',
    remedy: 'Lower `limits.requestsPerSecond` if this goes on.',
  },
  'source-failed': {
    retry: 'later',
    message: 'The source answered with an error.',
    remedy: 'Look at its own log for the time of the run.',
  },
  'source-credentials': {
    retry: 'never',
    message: 'The source refused our credentials.',
    remedy: 'Mend client and secret in the settings.',
  },
  'source-rights': {
    retry: 'never',
    message: 'Our credentials lack a right.',
    remedy: 'Grant the rights that `toriki doctor` names.',
  },
  'source-path': {
    retry: 'never',
    message: 'There is no such server at that address.',
    remedy: 'Check the address with its base path (often /auth).',
  },
  'source-realm': { retry: 'never', message: 'There is no such realm.', remedy: 'Check `realm` in the settings.' },
  'source-version': {
    retry: 'never',
    message: 'This version of the source is not supported.',
    remedy: 'See the versions in the component’s README.',
  },
  'source-unexpected': {
    retry: 'later',
    message: 'The source answered something we do not understand.',
    remedy: 'Check that the address is the source itself and not a login page or proxy.',
  },
  'source-moving': {
    retry: 'later',
    message: 'The source changed all the time while it was listed.',
    remedy: 'Try again when fewer people are being added and removed.',
  },
  'credentials-unreadable': {
    retry: 'later',
    message: 'Password hashes could not be read.',
    remedy: 'Check `credentials` of keycloak in the settings.',
  },
  'root-missing': {
    retry: 'never',
    message: 'The root of the files is not there.',
    remedy: 'Mount it, or mend `files.root`.',
  },
  'home-is-link': {
    retry: 'never',
    message: 'The directory is a link, and links are not followed.',
    remedy: 'Put a real directory there, or leave it out.',
  },
  'home-not-directory': {
    retry: 'never',
    message: 'What stands there is not a directory.',
    remedy: 'Put a directory there, or leave it out.',
  },
  'home-unreadable': {
    retry: 'never',
    message: 'The directory cannot be read.',
    remedy: 'Run as a user who may read it.',
  },
  'read-failed': {
    retry: 'later',
    message: 'Reading the source failed.',
    remedy: 'Check the file system, then `toriki replay`.',
  },
  'target-full': {
    retry: 'never',
    message: 'There is no room left where the files are restored.',
    remedy: 'Free space or raise the quota there, then restore again.',
  },
  'target-refused': {
    retry: 'never',
    message: 'The file system does not let us write that.',
    remedy: 'Mount it for writing and run as root or with the rights that `toriki doctor` names.',
  },
  'write-failed': {
    retry: 'later',
    message: 'Writing where the files are restored failed.',
    remedy: 'Check the file system and its mount, then restore again.',
  },
  // anything else
  deadline: { retry: 'later', message: 'There was no time left.', remedy: 'Nothing to do: it goes on by itself.' },
  interrupted: { retry: 'later', message: 'Stopped by request.', remedy: 'Start it again; nothing is lost.' },
  internal: { retry: 'later', message: 'An unforeseen error.', remedy: 'Report it with the log of that time.' },
} as const satisfies Record<string, CatalogueEntry>

export type ErrorCode = keyof typeof errorCatalogue

export interface ErrorDetails {
  /** A clearer sentence than the catalogue's: what and where, without names of people or files and without secrets. */
  readonly message?: string
  /** What to do, in the imperative, when more is known than the catalogue knows. */
  readonly remedy?: string
  readonly retry?: RetryClass
  /** Opaque ids only: slice ids, run ids, pack ids, HTTP status, errno. */
  readonly ids?: Readonly<Record<string, string | number>>
  /** The source asked for this pause (`Retry-After`). */
  readonly retryAfterMs?: number
  readonly cause?: unknown
}

export class TorikiError extends Error {
  override readonly name = 'TorikiError'
  readonly code: ErrorCode
  readonly retry: RetryClass
  readonly remedy: string
  readonly ids: Readonly<Record<string, string | number>>
  readonly retryAfterMs: number | undefined

  constructor(code: ErrorCode, details: ErrorDetails = {}) {
    const entry: CatalogueEntry = errorCatalogue[code]
    super(details.message ?? entry.message, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.retry = details.retry ?? entry.retry
    this.remedy = details.remedy ?? entry.remedy
    this.ids = details.ids ?? {}
    this.retryAfterMs = details.retryAfterMs
  }
}

export function isTorikiError(error: unknown, code?: ErrorCode): error is TorikiError {
  return error instanceof TorikiError && (code === undefined || error.code === code)
}

/** Anything thrown, as a coded error: itself, or `internal` with the original as its cause (whose text is not copied: it may hold names). */
export function toTorikiError(error: unknown): TorikiError {
  return error instanceof TorikiError ? error : new TorikiError('internal', { cause: error })
}
