/** What people may be asked to do at their next login. */
import { requiredActionsSchema } from '../answers.ts'
import { cleanObject } from '../clean-json.ts'
import type { SharedKind } from './shared-kind.ts'

export const requiredActionKind: SharedKind = {
  kind: 'required-action',
  async read(reader) {
    const actions = await reader.ask({
      right: 'view-realm',
      schema: requiredActionsSchema,
      request: (admin) => admin.authenticationManagement.getRequiredActions(),
    })
    return actions.map(({ alias, ...action }) => ({ segments: [alias], body: { config: {}, ...cleanObject(action) } }))
  },
}
