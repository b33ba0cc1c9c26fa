import type { Json, JsonObject } from '../../kit/servers/admin-rest.ts'
import type { Fingerprint } from '../../kit/seed-realm/fingerprint.ts'
import { INSTALLER_GROUPS } from '../../kit/seed-realm/groups.ts'
import { INSTALLER_CLIENTS } from '../../kit/seed-realm/installer.ts'

/** What Nebari's installer made, as an independent reading has it: clients with their secrets, their roles, the names of its groups, its provider and flow. */
export function installerPartOf({ state }: Fingerprint): JsonObject {
  const pick = (kind: string, keys: readonly string[]): Json =>
    Object.fromEntries(keys.map((key) => [key, state[kind]?.[key] ?? null]))
  return {
    clients: pick(
      'client',
      INSTALLER_CLIENTS.map(({ clientId }) => clientId),
    ),
    clientRoles: pick(
      'clientRole',
      INSTALLER_CLIENTS.flatMap(({ clientId, roles }) => roles.map((role) => JSON.stringify([clientId, role]))),
    ),
    groups: INSTALLER_GROUPS.map((name) => Object.hasOwn(state['group'] ?? {}, JSON.stringify([name]))),
    provider: pick('identityProvider', ['github']),
    flow: pick('flow', ['detect-existing']),
  }
}
