/** What everything that works on one slice's objects needs: the store, the derived keys, and the paths. */
import type { Platform } from '../platform/platform.ts'
import type { SliceKeys } from './chunk-store.ts'
import type { TreeFormats } from './tree-format.ts'

export interface SliceContext {
  readonly platform: Pick<Platform, 'store' | 'clock' | 'random' | 'log' | 'threads'>
  readonly sliceId: string
  readonly keys: SliceKeys
  readonly formats: TreeFormats
  /** It is recorded whose history this is. */
  readonly isOwned: boolean
  /** The digest of who that is. @throws TorikiError `object-not-found`, `seal-broken`. */
  readOwner(): Promise<Buffer>
  /** What says that another generation follows. @throws as `readOwner`. */
  readNext(): Promise<void>
}

/** The path of an object of this slice inside the deployment, or the prefix of a folder. */
export function slicePath(context: Pick<SliceContext, 'sliceId'>, folder: SliceFolder, name = ''): string {
  return `slices/${context.sliceId}/${folder}/${name}`
}

export type SliceFolder = 'snapshots' | 'checkpoints' | 'condemned' | 'marks'
