/** A system call that did not do what was asked, told by its errno alone: never by a path, which would name people and files. */
import { TorikiError } from '../../errors.ts'

export class SystemFailure extends Error {
  override readonly name = 'SystemFailure'
  /** `ENOENT`, …; or `REPLACED`: what was opened is not what was looked at. */
  readonly code: string

  constructor(code: string) {
    // That nothing is there is an answer like others, and asked for at every file: where it was asked tells nobody anything, and would cost more than the asking.
    const { stackTraceLimit } = Error
    Error.stackTraceLimit = 0
    super(code)
    Error.stackTraceLimit = stackTraceLimit
    this.code = code
  }
}

/**
 * What became of one entry, when a call on it failed. `gone`: replaced or removed under our feet. `denied`: this user, or a lease, keeps us
 * out. `exhausted`: this machine's fault, so the whole read ends. `damaged`: anything else; the reader then asks whether the home still answers.
 */
export type FailureClass = 'gone' | 'denied' | 'damaged' | 'exhausted'

const CLASSES: Readonly<Record<string, FailureClass>> = {
  REPLACED: 'gone',
  ENOENT: 'gone',
  ENOTDIR: 'gone',
  ELOOP: 'gone',
  EXDEV: 'gone',
  ENXIO: 'gone',
  ESTALE: 'gone',
  EINVAL: 'gone', // readlink of what is no longer a link
  EACCES: 'denied',
  EPERM: 'denied',
  EAGAIN: 'denied', // somebody holds a lease on the file
  EMFILE: 'exhausted',
  ENFILE: 'exhausted',
  ENOMEM: 'exhausted',
}

/** Runs a system call of Node or ours; a failure comes out as a `SystemFailure`, anything else as it was. */
export function call<T>(action: () => T): T {
  try {
    return action()
  } catch (error) {
    throw failureOf(error) ?? error
  }
}

/** @returns the failure, or `undefined` for an error that no system call made. */
export function failureOf(error: unknown): SystemFailure | undefined {
  if (error instanceof SystemFailure) return error
  // By shape, not by class: Node's own errors may be of another realm than ours.
  if (
    typeof error === 'object' &&
    error !== null &&
    'errno' in error &&
    'code' in error &&
    typeof error.code === 'string'
  )
    return new SystemFailure(error.code)
  return undefined
}

/** @throws the error itself when no system call made it. */
export function classOf(error: unknown): FailureClass {
  const failure = failureOf(error)
  if (failure === undefined) throw error
  return CLASSES[failure.code] ?? 'damaged'
}

/** For a failure that ends the read of a slice: `read-failed`, with the errno as its only detail. Other errors as they are. */
export function readFailed(error: unknown, message?: string): unknown {
  const failure = failureOf(error)
  if (failure === undefined) return error
  return new TorikiError('read-failed', {
    ...(message === undefined ? {} : { message }),
    ids: { errno: failure.code },
    cause: failure,
  })
}
