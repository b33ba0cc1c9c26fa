/** How this machine reaches into homes: by handles with everything Linux has, by handles with what Node has, or (nobody but root's) by path. */
import { existsSync } from 'node:fs'
import { TorikiError } from '../../errors.ts'
import type { Directory } from './directory.ts'
import { openHandle } from './handle-directory.ts'
import { loadNative } from './native.ts'
import type { Native } from './native.ts'
import { openPath } from './path-directory.ts'

/** Best first. `openat2`: all of it. `native`: no `openat2` (an old kernel, a sandbox). `proc`: koffi cannot load. `path`: neither Linux nor root. */
export const groundKinds = ['openat2', 'native', 'proc', 'path'] as const
export type GroundKind = (typeof groundKinds)[number]

export interface Ground {
  readonly kind: GroundKind
  /** Opens the root of the files, following links on the way to it. @throws SystemFailure. */
  open(path: string): Directory
}

/** @throws TorikiError `source-version` where homes cannot be walked safely. */
export async function findGround(): Promise<Ground> {
  if (process.platform === 'linux' && existsSync('/proc/self/fd')) {
    const native = await loadNative()
    if (native === undefined) return groundOf('proc', undefined)
    return groundOf(native.hasOpenat2 ? 'openat2' : 'native', native)
  }
  if (process.geteuid?.() === 0) {
    throw new TorikiError('source-version', {
      message: 'Without /proc there are no directory handles here, and homes are not walked as root without them.',
      remedy: 'Mount /proc (on Linux), or run as a user who is not root.',
    })
  }
  return groundOf('path', undefined)
}

/** The ground of that kind, whatever this machine could do better: for `findGround`, and for tests of each. */
export function groundOf(kind: GroundKind, native: Native | undefined): Ground {
  if (kind === 'path') return { kind, open: openPath }
  const calls = { native: kind === 'proc' || native === undefined ? undefined : { ...native, hasOpenat2: kind === 'openat2' } }
  return { kind, open: (path) => openHandle(path, calls) }
}
