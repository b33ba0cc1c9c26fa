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

/** What decides: asked of the machine, or told by a test. */
export interface Machine {
  /** Linux, with /proc mounted. */
  readonly hasHandles: boolean
  readonly isRoot: boolean
  readonly native: Native | undefined
}

/** @throws TorikiError `source-version` where homes cannot be walked safely. */
export async function findGround(): Promise<Ground> {
  return bestGround({
    hasHandles: process.platform === 'linux' && existsSync('/proc/self/fd'),
    isRoot: process.geteuid?.() === 0,
    native: await loadNative(),
  })
}

/** @throws TorikiError `source-version`: root, whom every file obeys, is never led by paths that others can change. */
export function bestGround({ hasHandles, isRoot, native }: Machine): Ground {
  if (hasHandles) return groundOf(native === undefined ? 'proc' : native.hasOpenat2 ? 'openat2' : 'native', native)
  if (isRoot) {
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
  const calls = {
    native: kind === 'proc' || native === undefined ? undefined : { ...native, hasOpenat2: kind === 'openat2' },
  }
  return { kind, open: (path) => openHandle(path, calls) }
}
