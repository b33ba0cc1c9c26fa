/** Rules for clients: profiles (what is done) and policies (when). Those that Keycloak ships for every realm are not the realm's. */
import { clientPoliciesSchema, clientProfilesSchema } from '../answers.ts'
import { cleanObject } from '../clean-json.ts'
import type { SharedKind } from './shared-kind.ts'

const NAME: ReadonlySet<string> = new Set(['name'])
/** They run one after the other. */
const ORDERED: ReadonlySet<string> = new Set(['executors', 'conditions', 'profiles'])

export const clientProfileKind: SharedKind = {
  kind: 'client-profile',
  async read(reader) {
    const { profiles } = await reader.ask({
      right: 'view-realm',
      schema: clientProfilesSchema,
      request: (admin) => admin.clientPolicies.listProfiles({ includeGlobalProfiles: false }),
    })
    return (profiles ?? []).map((profile) => ({
      segments: [profile.name],
      body: cleanObject(profile, { drop: NAME, ordered: ORDERED }),
    }))
  },
}

export const clientPolicyKind: SharedKind = {
  kind: 'client-policy',
  async read(reader) {
    const { policies } = await reader.ask({
      right: 'view-realm',
      schema: clientPoliciesSchema,
      request: (admin) => admin.clientPolicies.listPolicies({ includeGlobalPolicies: false }),
    })
    return (policies ?? []).map((policy) => ({
      segments: [policy.name],
      body: cleanObject(policy, { drop: NAME, ordered: ORDERED }),
    }))
  },
}
