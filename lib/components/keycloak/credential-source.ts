/** Where password and one-time-code hashes come from: Keycloak's own REST interface never shows them. */
import type { Check } from '../component.ts'

/** One credential as Keycloak stores it. `secretData` and `credentialData` are JSON texts and stay as they are. */
export interface Credential {
  readonly id: string
  /** `password`, `otp`, `webauthn`, … and whatever else a realm has. */
  readonly type: string
  readonly userLabel: string | undefined
  readonly createdDateMs: number | undefined
  readonly credentialData: string | undefined
  /** Absent where only its existence is known. */
  readonly secretData: string | undefined
}

export interface CredentialAnswer {
  /** In order of priority. */
  readonly credentials: readonly Credential[]
  /** When this was true, where that is not now (an export). */
  readonly asOf?: Date
}

export interface CredentialSource {
  /** Does it show the past (an export), so that not knowing a person is no fault? */
  readonly isPast: boolean
  /**
   * Everything that this person logs in with; `undefined`: the source does not know the person.
   * @throws TorikiError `credentials-unreadable`.
   */
  read(
    person: { readonly id: string; readonly username: string },
    signal: AbortSignal,
  ): Promise<CredentialAnswer | undefined>
  /** For `doctor`; never throws. */
  check(): AsyncIterable<Check>
  close(): Promise<void>
}
