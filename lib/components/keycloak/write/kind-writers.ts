/** Every kind that can be written, by name. The order of making them is that of the reader's kinds. */
import { clientPolicyWriter, clientProfileWriter } from './client-policy.ts'
import { componentWriter } from './component.ts'
import { flowWriter } from './flow.ts'
import { identityProviderWriter } from './identity-provider.ts'
import { localizationWriter } from './localization.ts'
import { personWriter } from './person.ts'
import { realmWriter } from './realm.ts'
import { requiredActionWriter } from './required-action.ts'
import { userProfileWriter } from './user-profile.ts'
import type { KindWriter } from './work.ts'

const writers: readonly KindWriter[] = [
  ...[userProfileWriter, localizationWriter, requiredActionWriter, flowWriter, realmWriter],
  ...[clientProfileWriter, clientPolicyWriter, identityProviderWriter, componentWriter],
  personWriter,
]

export const kindWriters: ReadonlyMap<string, KindWriter> = new Map(writers.map((writer) => [writer.kind, writer]))
