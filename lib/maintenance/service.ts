/** What keeping a repository in order works on: the store and its keys, no source and no queue. */
import type { StorePlatform } from '../platform/platform.ts'
import type { DeploymentRepository } from '../repository/repository.ts'

export interface MaintenanceService {
  readonly platform: StorePlatform
  readonly repository: DeploymentRepository
}
