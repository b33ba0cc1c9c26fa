/** What the use cases of a restore work on. Made with restore's own credentials, which the backup functions never hold. */
import type { Component } from '../components/component.ts'
import type { RunningServers } from '../components/running-servers.ts'
import type { ComponentWriter, GroupPart } from '../components/writer.ts'
import type { StorePlatform } from '../platform/platform.ts'
import type { DeploymentRepository } from '../repository/repository.ts'
import type { ComponentName } from '../resources/component-name.ts'
import type { RestoreTarget } from './restore-request.ts'

export interface RestoreService {
  readonly platform: StorePlatform
  /** What is restored from; requests, plans, steps and safety snapshots are kept there. */
  readonly repository: DeploymentRepository
  /** Of what is restored to: configured components, in the components' order: they list what is there. */
  readonly components: readonly Component[]
  /** Those of them that can be restored, in the same order. */
  readonly writers: readonly ComponentWriter[]
  /** Who knows whether somebody works in a home just now; absent: nobody can be asked. */
  readonly servers?: RunningServers
  /** Components and writers are those of another deployment. */
  readonly target?: RestoreTarget
  /** What can be asked for, where no writer is open: who only sends messages. */
  readonly vocabulary?: Vocabulary
  readonly limits: {
    /** Deliveries of a message before what it could not do is undone. */
    readonly attempts: number
    /** So long others may have a message in work before they look how far the slice is; absent: this process alone works on it. */
    readonly othersMs?: number
  }
}

/** What is known of components without opening one. */
export interface Vocabulary {
  /** Of keys. */
  readonly kinds: readonly string[]
  readonly groups: readonly { readonly component: ComponentName; readonly part: GroupPart }[]
}

export function vocabularyOf({ vocabulary, writers }: RestoreService): Vocabulary {
  if (vocabulary !== undefined) return vocabulary
  return {
    kinds: writers.flatMap(({ kinds }) => kinds),
    groups: writers.flatMap(({ name, groups }) => (groups === undefined ? [] : [{ component: name, part: groups }])),
  }
}
