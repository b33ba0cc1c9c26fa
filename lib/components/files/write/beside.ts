/** What a resource of a home is called in a folder at the top of that home, where a restore puts what it shall not mix with what is there. */
import { decodeKey, encodeKey, formatSegment } from '../../../resources/key.ts'
import type { Moved } from '../../writer.ts'

/** The home itself becomes the folder. Keys keep their order, and a second name goes on naming the first. */
export function besideOf({ key, state }: Moved, folder: string): Moved {
  const { kind, segments } = decodeKey(key)
  const first = state['hardLinkTo']
  return {
    key: encodeKey(kind, [folder, ...segments]),
    state:
      typeof first === 'string' ? { ...state, hardLinkTo: `${formatSegment(Buffer.from(folder))}/${first}` } : state,
  }
}
