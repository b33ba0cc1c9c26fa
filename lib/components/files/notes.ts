/** What a snapshot of files does not hold, in one sentence each. Stable codes; never a name of a person or a file (the key says which). */
import type { ResourceKey } from '../../resources/key.ts'
import type { Note } from '../../resources/resource.ts'

const MESSAGES = {
  'no-home': 'There is no such directory.',
  'reserved-name': 'A directory of that name is kept for the system and is nobody’s own.',
  'left-out': 'Left out by rule, with all that lies beneath; bytes as far as they were counted.',
  'left-out-more': 'So much was left out that not all of it was counted.',
  vanished: 'Was removed, moved or replaced before it was read.',
  unreadable: 'May not be read by the user who backs up: its place is kept, its content is not.',
  damaged: 'The file system failed to read it: what could be read is kept.',
  'changed-while-reading': 'Changed while it was read: what was read is kept.',
  'special-file': 'A FIFO, socket or device: its place is kept, it has no content.',
  'other-file-system': 'Another file system is mounted there and was not entered.',
  'too-deep': 'The path is longer than 16,384 bytes: what lies beneath was not entered.',
  'too-large': 'Longer than 2^53 bytes: its place is kept, its content is not.',
  'hard-links-not-tracked': 'More hard links than are kept in mind: from here on each is kept as a file of its own.',
  'attribute-not-kept': 'An extended attribute that belongs to the machine, or is too long, was not kept.',
  fidelity: 'The native calls are not there: holes are guessed, and extended attributes and ACLs are not kept.',
} as const satisfies Record<string, string>

export type FileNoteCode = keyof typeof MESSAGES

export function fileNote(code: FileNoteCode, key?: ResourceKey, bytes?: number): Note {
  return {
    code,
    message: MESSAGES[code],
    ...(key === undefined ? {} : { key }),
    ...(bytes === undefined ? {} : { bytes }),
  }
}
