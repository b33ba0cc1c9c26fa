/** Which versions and features of the format this code can read (docs/format.md, "Versions and features"). */
import { TorikiError } from '../errors.ts'
import { FORMAT_VERSION, FORMAT_VERSION_OLDEST, MANDATORY_FEATURES } from './format.ts'

/** @throws TorikiError `format-newer`, `format-older`. */
export function requireKnownVersion(version: number, object: string): void {
  if (version > FORMAT_VERSION) throw new TorikiError('format-newer', { ids: { object, version } })
  if (version < FORMAT_VERSION_OLDEST) throw new TorikiError('format-older', { ids: { object, version } })
}

/**
 * Members that are not known are left alone, but for this one: what it names is needed to read the rest rightly. Any stored JSON object may have it.
 * @throws TorikiError `format-newer`.
 */
export function requireKnownFeatures(document: unknown, object: string): void {
  if (typeof document !== 'object' || document === null || !Object.hasOwn(document, 'mandatory')) return
  const { mandatory } = document as { readonly mandatory: unknown }
  const known = (feature: unknown): boolean => MANDATORY_FEATURES.includes(feature as string)
  if (!Array.isArray(mandatory) || !mandatory.every(known)) throw new TorikiError('format-newer', { ids: { object } })
}
