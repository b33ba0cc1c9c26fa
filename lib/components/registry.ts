/** Settings → components: the one place that names them all. A component that is not configured is not there; that is no error. */
import type { Clock } from '../platform/clock.ts'
import type { Random } from '../platform/random.ts'
import type { ComponentName } from '../resources/component-name.ts'
import { ENTRY_KIND } from '../resources/key.ts'
import type { Settings } from '../settings.ts'
import type { Component } from './component.ts'
import { filesComponent } from './files/component.ts'
import { hubServers } from './jupyterhub/running-servers.ts'
import { keycloakKinds } from './keycloak/kinds.ts'
import { groupPart } from './keycloak/write/rename.ts'
import type { RunningServers } from './running-servers.ts'
import type { ComponentWriter, GroupPart } from './writer.ts'

/** The kinds that keys of each component begin with: for reading a written key without opening the component. */
export const knownKinds: Readonly<Record<ComponentName, readonly string[]>> = {
  keycloak: keycloakKinds,
  files: [ENTRY_KIND],
  'conda-store': [],
  jupyterhub: [],
  'nebari-config': [],
}

/** What of `shared` is a group, by component: for asking without opening the component. */
const knownGroups: readonly { readonly component: ComponentName; readonly part: GroupPart }[] = [
  { component: 'keycloak', part: groupPart },
]
/** What can be asked for in a restore, whatever is configured. */
export const knownVocabulary = { kinds: Object.values(knownKinds).flat(), groups: knownGroups }

/** What components need of the platform. */
export interface ComponentPlatform {
  readonly clock: Clock
  readonly random: Random
}

/**
 * Configured components in the components' order; none where the settings' sources were not resolved. Opens no connection, and loads only
 * what is configured. Close each when done. @throws TorikiError `settings-invalid` for what a component cannot understand.
 */
export async function createComponents(
  settings: Settings,
  { clock, random }: ComponentPlatform,
): Promise<readonly Component[]> {
  const { keycloak, files } = settings.components
  return [
    ...(keycloak === undefined
      ? []
      : [(await import('./keycloak/component.ts')).keycloakComponent(keycloak, { clock, random })]),
    ...(files === undefined ? [] : [filesComponent(files, { ownFolders: ownFolders(settings) })]),
  ]
}

/**
 * The writing halves of configured components, in the components' order: those that can be restored. The settings were resolved for restoring. Opens no connection.
 * Close each when done. @throws TorikiError `settings-invalid` for what a component cannot understand.
 */
export async function createWriters(
  settings: Settings,
  { clock, random }: ComponentPlatform,
): Promise<readonly ComponentWriter[]> {
  const { keycloak, files } = settings.components
  return [
    ...(keycloak?.restore === undefined
      ? []
      : [(await import('./keycloak/write/writer.ts')).keycloakWriter(keycloak, { clock, random })]),
    ...(files === undefined ? [] : [(await import('./files/write/writer.ts')).filesWriter(files)]),
  ]
}

/** Who knows whether somebody works in a home just now; `undefined`: no hub is configured, or the settings were not resolved for restoring. Opens no connection. */
export function createRunningServers({ components: { jupyterhub } }: Settings): RunningServers | undefined {
  return jupyterhub === undefined ? undefined : hubServers(jupyterhub)
}

/** Where this service keeps its own data on this machine: a home must not lie in there, nor the other way round. */
function ownFolders({ store, queue, keys }: Settings): readonly string[] {
  return [
    ...('folder' in store ? [store.folder] : []),
    ...('sqlite' in queue ? [queue.sqlite] : []),
    ...('keyring' in keys ? [keys.keyring] : []),
  ]
}
