/** What a system call that failed means for a restore: a coded error with the errno as its only detail. */
import { TorikiError } from '../../../errors.ts'
import type { ErrorCode } from '../../../errors.ts'
import { failureOf } from '../system-failure.ts'

const CODES: Readonly<Record<string, ErrorCode>> = {
  ENOSPC: 'target-full',
  EDQUOT: 'target-full',
  EFBIG: 'target-full',
  EROFS: 'target-refused',
  EACCES: 'target-refused',
  EPERM: 'target-refused',
  ENAMETOOLONG: 'target-refused',
  EINVAL: 'target-refused',
  EILSEQ: 'target-refused',
  ENOTSUP: 'target-refused',
  EMLINK: 'target-refused',
}

/** Anything else may pass: a disk that fails, a server or a mount that went away. Errors that no call made stay as they are. */
export function writeFailed(error: unknown): unknown {
  const failure = failureOf(error)
  if (failure === undefined) return error
  return new TorikiError(CODES[failure.code] ?? 'write-failed', { ids: { errno: failure.code }, cause: failure })
}

/** Was the entry, or a directory on the way to it, replaced or removed under our feet? */
export function isGone(error: unknown): boolean {
  return GONE.has(failureOf(error)?.code ?? '')
}

const GONE = new Set(['REPLACED', 'ENOENT', 'ENOTDIR', 'ELOOP', 'EXDEV', 'EISDIR'])
