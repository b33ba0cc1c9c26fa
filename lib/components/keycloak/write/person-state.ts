/** The members of a person's `state`, as the writer uses them. What a snapshot holds came from outside: it is parsed. */
import * as z from 'zod'
import type { JsonObject } from '../../../resources/json.ts'

const names = z.array(z.string())
const credentialSchema = z.object({
  type: z.string().min(1),
  position: z.int().nonnegative(),
  label: z.string().nullable(),
  created: z.number().nullable(),
  data: z.string().nullable(),
})
export type CredentialState = z.infer<typeof credentialSchema>

const personSchema = z.object({
  username: z.string().min(1),
  enabled: z.boolean(),
  email: z.string().nullable(),
  emailVerified: z.boolean(),
  firstName: z.string().nullable(),
  lastName: z.string().nullable(),
  attributes: z.record(z.string(), names),
  requiredActions: names,
  federation: z.string().nullable(),
  groups: z.array(names),
  realmRoles: names,
  clientRoles: z.record(z.string(), names),
  federatedIdentities: z.record(
    z.string(),
    z.object({ userId: z.string().nullable(), userName: z.string().nullable() }),
  ),
  consents: z.record(z.string(), names),
  organizations: z.record(z.string(), z.object({ membership: z.string().nullable() })).optional(),
  credentials: z.record(z.string(), credentialSchema).optional(),
})
export type PersonState = z.infer<typeof personSchema>

const keptSchema = z.object({
  id: z.string().min(1).max(255).optional(),
  createdTimestamp: z.number().optional(),
  notBefore: z.number().optional(),
  credentialIds: z.record(z.string(), z.string()).optional(),
  consentDates: z.record(z.string(), z.unknown()).optional(),
})
export type PersonKept = z.infer<typeof keptSchema>

/** @throws ZodError for what no reader of ours wrote. */
export function personOf(state: JsonObject): PersonState {
  return personSchema.parse(state)
}

export function keptOf(kept: JsonObject): PersonKept {
  return keptSchema.parse(kept)
}

/** As a body: members that are not there are not named. */
export function bodyOf(person: PersonState): JsonObject {
  return JSON.parse(JSON.stringify(person)) as JsonObject
}

/** In order of use, with their names. */
export function orderedCredentials(
  credentials: PersonState['credentials'],
): readonly { readonly name: string; readonly credential: CredentialState }[] {
  return Object.entries(credentials ?? {})
    .map(([name, credential]) => ({ name, credential }))
    .sort((a, b) => a.credential.position - b.credential.position)
}

/** Named and placed anew, as a reader does it. */
export function describeCredentials(credentials: readonly CredentialState[]): Record<string, CredentialState> {
  const counts = new Map<string, number>()
  return Object.fromEntries(
    credentials.map((credential, position) => {
      const number = (counts.get(credential.type) ?? 0) + 1
      counts.set(credential.type, number)
      return [number === 1 ? credential.type : `${credential.type}-${number}`, { ...credential, position }]
    }),
  )
}

/** The same but for its place? */
export function isSameCredential(one: CredentialState, other: CredentialState): boolean {
  return (
    one.type === other.type && one.label === other.label && one.created === other.created && one.data === other.data
  )
}
