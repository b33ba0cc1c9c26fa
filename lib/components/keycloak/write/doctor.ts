/** Login and rights of the account that restores, one by one, each with what to do. */
import { toTorikiError } from '../../../errors.ts'
import type { Check } from '../../component.ts'
import type { KeycloakClient } from '../client.ts'
import { grantRemedy } from '../failure.ts'
import { writeRights } from '../right.ts'
import { probeRights } from '../rights.ts'

/** Never throws. Rights are those that the token names; whoever has `realm-admin` has them all. */
export async function* doctorRestore(client: KeycloakClient, signal: AbortSignal): AsyncIterable<Check> {
  try {
    const roles = await client.token.roles()
    yield { check: 'keycloak: login to restore', ok: true }
    const { organizations, missing } = await probeRights(client, signal)
    yield {
      check: 'keycloak: what is restored can be read',
      ok: missing.length === 0,
      ...(missing.length === 0 ? {} : { remedy: grantRemedy(missing) }),
    }
    for (const right of writeRights) {
      if (right === 'manage-organizations' && organizations !== 'open' && organizations !== 'missing') continue
      const ok = roles === undefined || roles.includes(right) || roles.includes('realm-admin')
      yield { check: `keycloak: right ${right}`, ok, ...(ok ? {} : { remedy: grantRemedy([right]) }) }
    }
  } catch (error) {
    const { message, remedy } = toTorikiError(error)
    yield { check: 'keycloak: login to restore', ok: false, remedy: `${message} ${remedy}` }
  }
}
