/** The components there are: which settings configure which, and the kinds their keys begin with. The one list to add a new component to. */
import type { ComponentName } from '../resources/component-name.ts'
import { ENTRY_KIND } from '../resources/key.ts'
import type { Platform } from '../platform/platform.ts'
import type { Settings } from '../settings.ts'
import type { Component } from './component.ts'
import { filesComponent } from './files/component.ts'

/** For reading a written key without opening a component. */
export const knownKinds: Readonly<Record<ComponentName, readonly string[]>> = {
  keycloak: [],
  files: [ENTRY_KIND],
  'conda-store': [],
  jupyterhub: [],
  'nebari-config': [],
}

/** The configured components in their order. Opens nothing; close each. @throws TorikiError `settings-invalid`. */
export function createComponents(settings: Pick<Settings, 'components' | 'store' | 'queue'>, _platform: Pick<Platform, 'clock' | 'random'>): readonly Component[] {
  const { files } = settings.components
  const ownFolders = ['folder' in settings.store ? settings.store.folder : undefined, 'sqlite' in settings.queue ? settings.queue.sqlite : undefined].filter((folder) => folder !== undefined)
  return [...(files === undefined ? [] : [filesComponent(files, { ownFolders })])]
}
