/** The root of the files, and the way from it to a member's directory: opened anew for each read (a held root would keep a volume from being unmounted). */
import { TorikiError } from '../../errors.ts'
import type { JsonObject } from '../../resources/json.ts'
import type { Directory } from './directory.ts'
import { sameEntry } from './entry-stat.ts'
import type { EntryStat } from './entry-stat.ts'
import type { Ground } from './ground.ts'
import { classOf, failureOf, readFailed } from './system-failure.ts'
import { memberEntry } from './template.ts'
import type { PathTemplate } from './template.ts'

/** @throws TorikiError `root-missing`, `home-unreadable`, `read-failed`. The caller closes it. */
export function openRoot(ground: Ground, path: string): Directory {
  try {
    return ground.open(path)
  } catch (error) {
    const failure = failureOf(error)
    if (failure === undefined) throw error
    if (failure.code === 'ENOENT' || failure.code === 'ENOTDIR' || failure.code === 'ENODEV')
      throw new TorikiError('root-missing', { cause: failure })
    if (classOf(failure) === 'denied')
      throw new TorikiError('home-unreadable', { message: 'The root of the files cannot be opened.', cause: failure })
    throw readFailed(failure)
  }
}

/**
 * The directory that holds the members' directories: its fixed segments are never links, or they would lead out of the root.
 * @returns `undefined` when it is not there. @throws TorikiError `root-missing` (a link or file stands there), `home-unreadable`, `read-failed`.
 */
export function openAbove(root: Directory, template: PathTemplate): Directory | undefined {
  let directory = root
  try {
    for (const segment of template.above) {
      const inside = directory.enter(segment, undefined, true)
      if (directory !== root) directory.close()
      directory = inside
    }
    return directory
  } catch (error) {
    if (directory !== root) directory.close()
    const failure = failureOf(error)
    if (failure?.code === 'ENOENT') return undefined
    if (failure?.code === 'ELOOP' || failure?.code === 'ENOTDIR') {
      throw new TorikiError('root-missing', {
        message: 'A fixed part of the path template is a link or a file.',
        remedy: 'Name the real place in `files.root` and the template.',
        cause: failure,
      })
    }
    if (failure !== undefined && classOf(failure) === 'denied')
      throw new TorikiError('home-unreadable', {
        message: 'The directory that holds the homes cannot be opened.',
        cause: failure,
      })
    throw readFailed(error)
  }
}

export interface MemberDirectory {
  readonly directory: Directory
  /** Is it still where it was opened? A home that was moved away while it was read is not a whole one. */
  isStillThere(): boolean
  /** With everything that was opened on the way below `above`. */
  close(): void
}

/**
 * A member's own directory.
 * @returns `undefined` when there is none. @throws TorikiError `home-is-link`, `home-not-directory`, `home-unreadable`, `read-failed`.
 */
export function openMember(above: Directory, template: PathTemplate, local: Buffer): MemberDirectory | undefined {
  const opened: Directory[] = [above]
  const path = [memberEntry(template, local), ...template.below]
  const close = (): void => {
    for (const directory of opened.slice(1)) directory.close()
  }
  try {
    for (const segment of path) {
      const directory = opened.at(-1) as Directory
      const stat = look(directory, segment)
      if (stat === undefined) {
        close()
        return undefined
      }
      refuseOther(stat)
      opened.push(directory.enter(segment, stat, true))
    }
  } catch (error) {
    close()
    const failure = failureOf(error)
    if (failure === undefined) throw error
    if (classOf(failure) === 'denied') throw new TorikiError('home-unreadable', { cause: failure })
    throw readFailed(failure)
  }
  const directory = opened.at(-1) as Directory
  return {
    directory,
    isStillThere() {
      try {
        return sameEntry((opened.at(-2) as Directory).look(path.at(-1) as string), directory.stat)
      } catch (error) {
        if (classOf(error) === 'gone') return false
        throw readFailed(error)
      }
    },
    close,
  }
}

/** `undefined` when nothing stands there, nor can: a name too long for the file system. @throws SystemFailure. */
export function look(directory: Directory, name: string): EntryStat | undefined {
  try {
    return directory.look(name)
  } catch (error) {
    const failure = failureOf(error)
    if (failure?.code === 'ENOENT' || failure?.code === 'ENAMETOOLONG') return undefined
    throw error
  }
}

function refuseOther(stat: EntryStat): void {
  if (stat.type === 'link') throw new TorikiError('home-is-link')
  if (stat.type !== 'directory') throw new TorikiError('home-not-directory')
}

/**
 * What tells this root from another one, or from the empty mount point when the volume is not mounted, and stays the same over reboots,
 * mounts and machines: the kind of file system, the directory's inode number (an NFS server's own number, EFS included), and the file
 * system's id where it has a lasting one. Not the device number, not the mount's source: both change with every boot, zone or mount helper.
 */
export function identityOf(directory: Directory): JsonObject {
  const { magic, id } = directory.fileSystem()
  return {
    fileSystem: `0x${magic.toString(16)}`,
    inode: directory.stat.inode.toString(),
    ...(id === undefined ? {} : { fileSystemId: id }),
  }
}
