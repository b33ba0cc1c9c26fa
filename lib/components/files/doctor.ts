/** What `doctor` tries of the files, one by one. A check that is `ok` and has a remedy is a warning: it works, with less than it could. */
import { constants, accessSync, readFileSync, realpathSync } from 'node:fs'
import { dirname, relative, sep } from 'node:path'
import { isTorikiError } from '../../errors.ts'
import type { Check } from '../component.ts'
import type { Directory } from './directory.ts'
import type { Ground, GroundKind } from './ground.ts'
import { look, openAbove, openRoot } from './root.ts'
import { failureOf } from './system-failure.ts'
import { isReserved, memberName } from './template.ts'
import type { PathTemplate } from './template.ts'

interface Place {
  readonly placeholder: 'user' | 'group'
  readonly template: PathTemplate
  readonly other: PathTemplate | undefined
}

/** Never throws for a check that fails. */
export async function* doctorFiles(
  path: string,
  places: readonly Place[],
  ownFolders: readonly string[],
  findGround: () => Promise<Ground>,
): AsyncGenerator<Check, void, void> {
  let ground: Ground
  try {
    ground = await findGround()
    yield handles(ground.kind)
  } catch (error) {
    yield { check: 'files: homes can be walked safely here', ok: false, remedy: remedyOf(error) }
    return
  }
  let root: Directory
  try {
    root = openRoot(ground, path)
    yield { check: 'files: root present', ok: true }
  } catch (error) {
    yield { check: 'files: root present', ok: false, remedy: remedyOf(error) }
    return
  }
  try {
    yield attempt(
      'files: root readable',
      () => accessSync(path, constants.R_OK | constants.X_OK),
      'Run as a user who may list the root.',
    )
    yield onlyRead(path)
    for (const place of places) yield* tryPlace(root, place)
    yield attributes(root)
  } finally {
    root.close()
  }
  yield mayReadAll()
  if (ownFolders.length > 0) yield apart(path, ownFolders)
}

function handles(kind: GroundKind): Check {
  const check = 'files: homes can be walked safely here'
  if (kind === 'path')
    return {
      check,
      ok: true,
      remedy: 'Back up real homes on Linux only: here directories are reached by path, which is for trying things out.',
    }
  if (kind === 'proc')
    return {
      check,
      ok: true,
      remedy:
        'Install koffi for this system (`npm ci`): without it extended attributes and ACLs are not kept, and holes are guessed.',
    }
  return { check, ok: true }
}

/** What backs up never writes there; who may all the same is told, since a right that is not there cannot be misused. Asks the system, and writes nothing. */
function onlyRead(path: string): Check {
  const check = 'files: root can only be read'
  try {
    accessSync(path, constants.W_OK)
  } catch (error) {
    if (failureOf(error) === undefined) throw error
    return { check, ok: true }
  }
  return {
    check,
    ok: true,
    remedy:
      'Mount it read-only where backups run: nothing is ever written there, and then nobody can who takes this process over.',
  }
}

function* tryPlace(root: Directory, place: Place): Generator<Check, void, void> {
  const what = place.placeholder === 'user' ? 'homes' : 'shared directories'
  let above: Directory | undefined
  try {
    above = openAbove(root, place.template)
    if (above === undefined) {
      const check = `files: ${what} found`
      // Nebari makes the folder of shared directories with the first of them.
      if (place.placeholder === 'group' && place.other !== undefined)
        yield {
          check,
          ok: true,
          remedy: 'Nothing to do if no group has a shared directory yet; else mend `files.group`.',
        }
      else yield { check, ok: false, remedy: `Mount the volume, or mend the template of the ${what} in the settings.` }
      return
    }
    const counts = count(above, place)
    yield {
      check: `files: ${what} found: ${counts.members}`,
      ok: counts.members > 0 || place.placeholder === 'group',
      ...(counts.members > 0
        ? {}
        : { remedy: `Check that the volume is mounted and that the template of the ${what} is right.` }),
    }
    if (counts.unreadable > 0)
      yield {
        check: `files: ${what} may be read`,
        ok: false,
        remedy: `${counts.unreadable} may not: run as root, or with CAP_DAC_READ_SEARCH.`,
      }
    if (counts.links > 0)
      yield {
        check: `files: ${what} are directories`,
        ok: false,
        remedy: `${counts.links} are links, which are not followed: put real directories there.`,
      }
    if (counts.others > 0)
      yield {
        check: `files: nothing else beside the ${what}`,
        ok: true,
        remedy: `${counts.others} entries there are nobody’s directory and are not backed up: move them if they matter.`,
      }
  } catch (error) {
    yield { check: `files: ${what} found`, ok: false, remedy: remedyOf(error) }
  } finally {
    if (above !== root) above?.close()
  }
}

function count(above: Directory, place: Place): { members: number; links: number; others: number; unreadable: number } {
  const counts = { members: 0, links: 0, others: 0, unreadable: 0 }
  for (const entry of above.names()) {
    const type = look(above, entry)?.type
    if (type === undefined) continue
    const isMember =
      memberName(place.template, entry) !== undefined &&
      !isReserved(place.template, place.placeholder, entry, place.other)
    if (isMember && type === 'directory') {
      counts.members++
      if (!opens(above, entry)) counts.unreadable++
    } else if (isMember && type === 'link') counts.links++
    else counts.others++
  }
  return counts
}

function opens(above: Directory, entry: string): boolean {
  try {
    above.enter(entry, undefined, true).close()
    return true
  } catch (error) {
    if (failureOf(error) === undefined) throw error
    return false
  }
}

function attributes(root: Directory): Check {
  const check = 'files: extended attributes and ACLs'
  if (root.native === undefined)
    return { check, ok: true, remedy: 'They are not read here; see the check of safe walking.' }
  try {
    if (root.native.listAttributes(root.attributeTarget()) !== undefined) return { check, ok: true }
  } catch (error) {
    if (failureOf(error) === undefined) throw error
    return { check, ok: true, remedy: 'They cannot be read at the root: check that this user may.' }
  }
  return { check: `${check} (this file system has none)`, ok: true }
}

/** Root, or anybody with CAP_DAC_READ_SEARCH, reads what its owner closed to others. */
function mayReadAll(): Check {
  const check = 'files: every file may be read'
  if (process.platform !== 'linux')
    return { check, ok: true, remedy: 'Not known on this system: what may not be read is noted in each snapshot.' }
  try {
    const effective = BigInt(
      `0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1] ?? '0'}`,
    )
    if ((effective & (CAP_DAC_READ_SEARCH | CAP_DAC_OVERRIDE)) !== 0n) return { check, ok: true }
  } catch (error) {
    if (failureOf(error) === undefined) throw error
  }
  return {
    check,
    ok: true,
    remedy:
      'Run as root or with CAP_DAC_READ_SEARCH, else private files of others are noted as unreadable and not kept.',
  }
}

const CAP_DAC_OVERRIDE = 1n << 1n
const CAP_DAC_READ_SEARCH = 1n << 2n

function apart(root: string, ownFolders: readonly string[]): Check {
  const one = real(root)
  const within = ownFolders.filter((folder) => {
    const two = real(folder)
    return contains(one, two) || contains(two, one)
  })
  const ok = within.length === 0
  return {
    check: 'files: our own folders lie apart from the root',
    ok,
    ...(ok
      ? {}
      : {
          remedy: `Move ${within.join(' and ')} out of the root of the files, or the backup would be backed up into itself.`,
        }),
  }
}

/** As far as it exists: a store that is not made yet lies where its nearest folder does. */
function real(path: string): string {
  try {
    return realpathSync(path)
  } catch (error) {
    if (failureOf(error) === undefined || dirname(path) === path) throw error
    return real(dirname(path)) + path.slice(dirname(path).length)
  }
}

function contains(folder: string, path: string): boolean {
  const way = relative(folder, path)
  return way === '' || (way !== '..' && !way.startsWith(`..${sep}`))
}

function attempt(check: string, action: () => void, remedy: string): Check {
  try {
    action()
    return { check, ok: true }
  } catch (error) {
    if (failureOf(error) === undefined) throw error
    return { check, ok: false, remedy }
  }
}

function remedyOf(error: unknown): string {
  if (isTorikiError(error)) return `${error.message} ${error.remedy}`
  return 'Check the file system beneath the root.'
}
