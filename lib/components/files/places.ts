/** Where members' directories lie, as the settings say it: homes, shared directories, or both. */
import { TorikiError } from '../../errors.ts'
import type { FilesSettings } from '../../settings.ts'
import type { Directory } from './directory.ts'
import { Exclusions } from './exclude.ts'
import { openAbove } from './root.ts'
import { parseTemplate, refuseSame } from './template.ts'
import type { PathTemplate } from './template.ts'

export interface Place {
  readonly placeholder: 'user' | 'group'
  readonly template: PathTemplate
  readonly exclusions: Exclusions
  /** The other template of the two, whose members are not this one's. */
  readonly other: PathTemplate | undefined
}

export type Places = Readonly<Partial<Record<'user' | 'group', Place>>>

/** @throws TorikiError `settings-invalid` for a path template that cannot be understood. */
export function placesOf(settings: FilesSettings): Places {
  const user = settings.home === undefined ? undefined : parseTemplate(settings.home, 'user')
  const group = settings.group === undefined ? undefined : parseTemplate(settings.group, 'group')
  if (user !== undefined && group !== undefined) refuseSame(user, group)
  return {
    ...(user === undefined
      ? {}
      : { user: { placeholder: 'user', template: user, exclusions: new Exclusions(settings, 'user'), other: group } }),
    ...(group === undefined
      ? {}
      : {
          group: { placeholder: 'group', template: group, exclusions: new Exclusions(settings, 'group'), other: user },
        }),
  }
}

/**
 * Opens the directory that holds the members. A root without the homes' directory is what an unmounted volume looks like. Shared directories may not have been made yet
 * (`undefined`), as long as the homes' directory is there.
 * @throws TorikiError `root-missing`.
 */
export function openPlaceAbove(root: Directory, place: Place): Directory | undefined {
  const above = openAbove(root, place.template)
  if (above !== undefined) return above
  const homes = place.placeholder === 'group' && place.other !== undefined ? openAbove(root, place.other) : undefined
  if (homes === undefined)
    throw new TorikiError('root-missing', {
      message: 'The root of the files is there, but not the directory that holds the homes.',
    })
  if (homes !== root) homes.close()
  return undefined
}
