/** A single name that an entry can have: what is stored is never trusted to be one, or `..` would lead out. Byte strings. */
export function isEntryName(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !name.includes('/') && !name.includes('\0')
}
