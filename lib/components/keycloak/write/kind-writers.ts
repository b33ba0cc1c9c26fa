/** Every kind that can be written, by name. The order of making them is that of the reader's kinds. */
import { clientPolicyWriter, clientProfileWriter } from './client-policy.ts'
import { clientScopeWriter } from './client-scope.ts'
import { clientWriter } from './client.ts'
import { componentWriter } from './component.ts'
import { defaultGroupWriter } from './default-group.ts'
import { flowWriter } from './flow.ts'
import { groupWriter } from './group.ts'
import { identityProviderWriter } from './identity-provider.ts'
import { localizationWriter } from './localization.ts'
import { organizationWriter } from './organization.ts'
import { personWriter } from './person.ts'
import { realmWriter } from './realm.ts'
import { requiredActionWriter } from './required-action.ts'
import { clientRoleWriter, realmRoleWriter } from './role.ts'
import { serviceAccountWriter } from './service-account.ts'
import { userProfileWriter } from './user-profile.ts'
import type { KindWriter } from './work.ts'

const writers: readonly KindWriter[] = [
  ...[userProfileWriter, localizationWriter, requiredActionWriter, flowWriter, realmWriter],
  ...[clientProfileWriter, clientPolicyWriter, clientScopeWriter, realmRoleWriter, clientWriter, clientRoleWriter],
  ...[serviceAccountWriter, groupWriter, defaultGroupWriter, identityProviderWriter, componentWriter],
  ...[organizationWriter, personWriter],
]

export const kindWriters: ReadonlyMap<string, KindWriter> = new Map(writers.map((writer) => [writer.kind, writer]))
