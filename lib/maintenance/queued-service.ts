/** What `prune-slice` and `compact-slice` messages are worked on with: the service of runs, without a source. */
import type { Service } from '../backup/service.ts'

export type QueuedMaintenance = Omit<Service, 'components'>
