/** A POSIX access list as Linux keeps it in an attribute (version 2: 4 bytes, then 8 per entry: what for, rights, number), with other numbers for people and groups. */
import type { Naming } from '../../naming.ts'

const HEAD_BYTES = 4
const ENTRY_BYTES = 8
const VERSION = 2
const NAMED_USER = 0x02
const NAMED_GROUP = 0x08

/** `value` and the answer are base64url. What is no such list stays as it is. */
export function renamedAcl(value: string, { uids, gids }: Pick<Naming, 'uids' | 'gids'>): string {
  const bytes = Buffer.from(value, 'base64url')
  const isList = bytes.length >= HEAD_BYTES && (bytes.length - HEAD_BYTES) % ENTRY_BYTES === 0
  if (!isList || bytes.readUInt32LE(0) !== VERSION) return value
  for (let at = HEAD_BYTES; at < bytes.length; at += ENTRY_BYTES) {
    const what = bytes.readUInt16LE(at)
    const id = bytes.readUInt32LE(at + 4)
    const other = what === NAMED_USER ? uids.get(id) : what === NAMED_GROUP ? gids.get(id) : undefined
    if (other !== undefined) bytes.writeUInt32LE(other, at + 4)
  }
  return bytes.toString('base64url')
}
