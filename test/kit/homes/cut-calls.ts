/** The calls that write, counted; from a given one on they fail, as everything does for a process that is gone. */
import type { WritingCalls } from '../../../lib/components/files/write/writing-calls.ts'
import { SystemFailure } from '../../../lib/components/files/system-failure.ts'

export interface CutCalls {
  readonly calls: WritingCalls
  writes(): number
  /** From the `count`th call from now on; `undefined`: no longer. */
  cutAt(count: number | undefined): void
  /** Called before each call, with its name: somebody who writes at just that instant. */
  before: (call: string) => void
}

/** `withoutExclusiveRename`: as on NFS. `withoutFlush`: counted and cut, but the disk is not waited for. */
export function cutCalls(
  real: WritingCalls,
  options: { readonly withoutExclusiveRename?: boolean; readonly withoutFlush?: boolean } = {},
): CutCalls {
  let writes = 0
  let left: number | undefined
  const cut: CutCalls = {
    writes: () => writes,
    cutAt(count) {
      left = count
    },
    before: () => undefined,
    calls: new Proxy(real, {
      get(target, name) {
        const member: unknown = Reflect.get(target, name)
        if (typeof member !== 'function') return member
        return (...values: unknown[]): unknown => {
          if (left !== undefined && --left <= 0) throw new Error('the process is gone')
          cut.before(String(name))
          if (name === 'renameToNew' && options.withoutExclusiveRename === true) throw new SystemFailure('EINVAL')
          writes++
          if (String(name).startsWith('flush') && options.withoutFlush === true) return undefined
          return Reflect.apply(member, target, values) as unknown
        }
      },
    }),
  }
  return cut
}
