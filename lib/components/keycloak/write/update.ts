/** An account that is there, and what is to become of it. */
import type { Wanted } from '../../../resources/change.ts'
import type { PersonKept, PersonState } from './person-state.ts'

export interface Update {
  readonly id: string
  readonly live: PersonState
  readonly kept: PersonKept
  /** What will be there. */
  readonly person: PersonState
  /** Where secrets and ids come from. */
  readonly wanted: Wanted
}
