/**
 * Extended attributes: which of them are a person's own and are kept, and which belong to the machine.
 *
 * Kept: `user.*`, and POSIX ACLs (`system.posix_acl_access`, `system.posix_acl_default`). Not kept, as they are a host's policy and mean
 * nothing, or harm, elsewhere: `security.*` (labels, and capabilities, which grant power) and `trusted.*` (the file system's own); nor
 * `system.nfs4_acl`, which an NFS client derives from the mode.
 */
import { formatSegment } from '../../resources/key.ts'
import type { Directory, OpenFile } from './directory.ts'
import type { Native } from './native.ts'

/** Of one entry, names and values together: far beyond what ext4 takes, and little enough to hold. */
const ENTRY_BYTES_MAX = 256 * 1024
const VALUE_BYTES_MAX = 65_536

/** On every entry where a host has them: said once per slice, not once per file. */
const HOST_LABELS = new Set([
  'security.selinux',
  'security.ima',
  'security.evm',
  'security.apparmor',
  'security.SMACK64',
  'system.nfs4_acl',
])

export interface Attributes {
  /** Written name (percent-encoded where it is not UTF-8) → value. */
  readonly kept: Readonly<Record<string, Buffer>>
  /** Not a label of the host's, and not kept. */
  readonly dropped: boolean
  readonly hostLabels: boolean
  /** The file system has none at all: no need to ask again. */
  readonly unsupported: boolean
}

const NONE: Attributes = { kept: {}, dropped: false, hostLabels: false, unsupported: false }

/** Of an open file, an open directory, or (by name) an entry that is never opened. Links have none that are kept. @throws SystemFailure. */
export function readAttributes(directory: Directory, of: OpenFile | string | undefined): Attributes {
  const { native } = directory
  if (native === undefined || (of === undefined && directory.isWithoutAttributes === true)) return NONE
  return attributesOf(native, typeof of === 'object' ? of.handle : directory.attributeTarget(of))
}

/** Of a handle, or of a path that ends in what is asked. @throws SystemFailure. */
export function attributesOf(native: Native, target: number | string): Attributes {
  const names = native.listAttributes(target)
  if (names === undefined) return { ...NONE, unsupported: true }
  if (names.length === 0) return NONE
  const kept: Record<string, Buffer> = {}
  let left = ENTRY_BYTES_MAX
  let dropped = false
  let hostLabels = false
  for (const name of names.toSorted()) {
    if (HOST_LABELS.has(name)) hostLabels = true
    else if (!isKept(name)) dropped = true
    else {
      const value = native.readAttribute(target, name, VALUE_BYTES_MAX)
      if (value === undefined || name.length + value.length > left) dropped = true
      else {
        left -= name.length + value.length
        kept[formatSegment(Buffer.from(name, 'latin1'))] = value
      }
    }
  }
  return { kept, dropped, hostLabels, unsupported: false }
}

export function isKept(name: string): boolean {
  return name.startsWith('user.') || name === 'system.posix_acl_access' || name === 'system.posix_acl_default'
}
