/** What a restore of files needs, tried one by one. Writes nothing. */
import { accessSync, constants, statfsSync } from 'node:fs'
import { isTorikiError } from '../../../errors.ts'
import type { Check } from '../../component.ts'
import type { Directory } from '../directory.ts'
import type { Ground } from '../ground.ts'
import { openPlaceAbove } from '../places.ts'
import type { Place, Places } from '../places.ts'
import { openRoot } from '../root.ts'
import { failureOf } from '../system-failure.ts'
import type { Powers } from './powers.ts'
import type { WritingCalls } from './writing-calls.ts'

interface Finders {
  ground(): Promise<Ground>
  calls(): Promise<WritingCalls>
}

/** Never throws for a check that fails. */
export async function* doctorWriting(
  path: string,
  places: Places,
  powers: Powers,
  find: Finders,
): AsyncGenerator<Check, void, void> {
  let root: Directory
  try {
    const ground = await find.ground()
    if (ground.kind === 'path') {
      yield {
        check: 'files: can be restored safely here',
        ok: false,
        remedy: 'Restore on Linux, where directories can be held by handle.',
      }
      return
    }
    root = openRoot(ground, path)
  } catch (error) {
    yield { check: 'files: root present for restoring', ok: false, remedy: remedyOf(error) }
    return
  }
  try {
    yield { check: 'files: root present for restoring', ok: true }
    for (const place of [places.user, places.group]) if (place !== undefined) yield tryPlace(root, place)
  } finally {
    root.close()
  }
  yield native((await find.calls()).isNative)
  yield owners(powers)
}

function tryPlace(root: Directory, place: Place): Check {
  const check = `files: ${place.placeholder === 'user' ? 'homes' : 'shared directories'} can be written`
  let above: Directory | undefined
  try {
    above = openPlaceAbove(root, place)
    if (above === undefined)
      return {
        check,
        ok: true,
        remedy: 'The folder of shared directories is not there yet: make it before one is restored.',
      }
    const own = `/proc/self/fd/${above.attributeTarget()}`
    accessSync(own, constants.W_OK | constants.X_OK)
    if (statfsSync(own).bavail === 0) return { check, ok: false, remedy: 'Free space there: the file system is full.' }
    return { check, ok: true }
  } catch (error) {
    const code = failureOf(error)?.code
    if (code === 'EROFS') return { check, ok: false, remedy: 'Mount the volume for writing where restores run.' }
    if (code !== undefined)
      return { check, ok: false, remedy: 'Run restores as root, or as a user who may write there.' }
    return { check, ok: false, remedy: remedyOf(error) }
  } finally {
    if (above !== root) above?.close()
  }
}

function native(isNative: boolean): Check {
  const check = 'files: exact times, attributes and ACLs can be restored'
  if (isNative) return { check, ok: true }
  return {
    check,
    ok: true,
    remedy:
      'Install koffi for this system (`npm ci`): without it attributes, ACLs and FIFOs are lost, and times are rounded.',
  }
}

function owners({ mayGive, mayEnterAll }: Powers): Check {
  const check = 'files: owners can be restored'
  if (mayGive && mayEnterAll) return { check, ok: true }
  return {
    check,
    ok: false,
    remedy:
      'Run restores as root, or with CAP_CHOWN, CAP_DAC_OVERRIDE and CAP_FOWNER: else everything belongs to who restores.',
  }
}

function remedyOf(error: unknown): string {
  if (isTorikiError(error)) return `${error.message} ${error.remedy}`
  return 'Check the file system beneath the root.'
}
