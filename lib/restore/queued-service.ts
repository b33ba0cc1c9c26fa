/**
 * A restore that is worked on by messages, by whoever takes them. Who sends and follows them (a command line) has no writers in it and none of restore's credentials; who works
 * on them has.
 */
import type { Platform } from '../platform/platform.ts'
import type { RestoreService } from './service.ts'

export interface QueuedRestoreService extends RestoreService {
  readonly platform: Platform
  readonly limits: RestoreService['limits'] & {
    /** Messages of one delivery worked on at once. */
    readonly parallel: number
  }
}
