/** What an entry cannot be made without. */
import { ENTRY_KIND, parseKey } from '../../../resources/key.ts'
import type { ResourceKey } from '../../../resources/key.ts'
import type { Named } from '../../writer.ts'

/** Of another name of a file: its first name, which has the content. */
export function firstNameOf({ state }: Named): ResourceKey | undefined {
  const first = state['hardLinkTo']
  return typeof first === 'string' ? parseKey(first, [ENTRY_KIND]) : undefined
}
