/** What the use cases of a restore work on. Made with restore's own credentials, which the backup functions never hold. */
import type { Component } from '../components/component.ts'
import type { RunningServers } from '../components/running-servers.ts'
import type { ComponentWriter } from '../components/writer.ts'
import type { StorePlatform } from '../platform/platform.ts'
import type { DeploymentRepository } from '../repository/repository.ts'

export interface RestoreService {
  readonly platform: StorePlatform
  readonly repository: DeploymentRepository
  /** Configured components, in the components' order: they list what is there. */
  readonly components: readonly Component[]
  /** Those of them that can be restored, in the same order. */
  readonly writers: readonly ComponentWriter[]
  /** Who knows whether somebody works in a home just now; absent: nobody can be asked. */
  readonly servers?: RunningServers
  readonly limits: {
    /** Deliveries of a message before what it could not do is undone. */
    readonly attempts: number
  }
}
