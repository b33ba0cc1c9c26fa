/** Clients that are not for a restore to change: Keycloak's own, and the one that it logs in with. */
import type { Forecast } from '../../writer.ts'
import type { Work } from './work.ts'

/** Keycloak keeps these itself, as its version needs them; from 26.7 on it refuses every change of them. */
const MANAGEMENT: ReadonlySet<string> = new Set(['realm-management', 'master-realm'])
/** Every realm has these, and does not work without. */
const BUILT_IN: ReadonlySet<string> = new Set([
  ...['account', 'account-console', 'admin-cli', 'broker', 'security-admin-console'],
])

/** Why it is left, if it is. */
export function leftClient({ client }: Work, clientId: string, isDelete: boolean): Forecast | undefined {
  const left = (reason: string): Forecast => ({ kind: 'left', reason })
  if (MANAGEMENT.has(clientId)) return left('Keycloak keeps the client of its own management itself.')
  if (isDelete && BUILT_IN.has(clientId)) return left('Keycloak needs this client.')
  const { login } = client.settings
  if ('client' in login && login.client === clientId)
    return left('This restore logs in with it: another account would have to restore it.')
  return undefined
}
