/** What the file system says, in the store's words. */
import { TorikiError } from '../../errors.ts'
import type { ErrorCode } from '../../errors.ts'
import { errnoOf } from '../errno.ts'

const meaning: Readonly<Record<string, ErrorCode>> = {
  ENOSPC: 'store-full',
  EDQUOT: 'store-full',
  EFBIG: 'store-full',
  EACCES: 'store-refused',
  EPERM: 'store-refused',
  EROFS: 'store-refused',
  ENOTDIR: 'store-refused',
  EISDIR: 'store-refused',
  ELOOP: 'store-refused',
  EMLINK: 'store-refused',
  ENAMETOOLONG: 'store-refused',
  EXDEV: 'store-refused',
  ENOTSUP: 'store-refused',
}

/** A coded error for anything a file call threw; what passes by itself (EIO, ESTALE, EMFILE, time-outs) is `store-unavailable`. */
export function fileError(error: unknown, operation: string, key: string): TorikiError {
  if (error instanceof TorikiError) return error
  const errno = errnoOf(error)
  if (errno === undefined) return new TorikiError('internal', { ids: { operation, key }, cause: error })
  const code = meaning[errno] ?? 'store-unavailable'
  return new TorikiError(code, { ids: { operation, key, errno }, cause: error, ...sentence(code, errno) })
}

function sentence(code: ErrorCode, errno: string): { readonly message?: string; readonly remedy?: string } {
  if (code === 'store-full') return {}
  if (errno === 'EXDEV' || errno === 'EMLINK' || errno === 'ENOTSUP') {
    return {
      message: `The folder of the store cannot make hard links (${errno}).`,
      remedy: 'Put the store on a file system that has hard links (ext4, XFS, btrfs, ZFS, NFS).',
    }
  }
  if (code === 'store-refused') {
    return {
      message: `The folder of the store refused the request (${errno}).`,
      remedy: 'Check who owns the folder of the store, its modes and its mount.',
    }
  }
  return {
    message: `The folder of the store does not answer (${errno}).`,
    remedy: 'Check the disk or the mount of the store.',
  }
}
