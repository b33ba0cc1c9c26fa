/** The port by which a restore asks whether somebody may be working in a home just now. */
import type { ListContext } from './component.ts'

export interface RunningServers {
  /** Does a server of this person run, start or stop? Changes nothing. Never throws for a hub that does not answer: then nobody knows. @throws TorikiError when the signal ends it. */
  ask(user: string, context: ListContext): Promise<ServerAnswer>
}

export type ServerAnswer =
  | { readonly kind: 'yes' }
  | { readonly kind: 'no' }
  /** `why`: a sentence for people, without names and addresses. */
  | { readonly kind: 'unknown'; readonly why: string }
