/** Which Keycloak answers. Proven: 24.0.5, 26.3.4, 26.7.4; honoured: 15.0.2. A newer one is tried: what it changed shows as an error, never as less. */
import { TorikiError } from '../../errors.ts'
import { serverInfoSchema } from './answers.ts'
import type { KeycloakClient } from './client.ts'

const OLDEST_MAJOR = 15

/**
 * The version as the server names it; `undefined` where it does not tell.
 * @throws TorikiError `source-version` for one that is too old, `source-path` when no Keycloak answers there, and what asking throws.
 */
export async function probeVersion(client: KeycloakClient, signal: AbortSignal): Promise<string | undefined> {
  const info = await client.find(
    { right: 'view-realm', schema: serverInfoSchema, request: (admin) => admin.serverInfo.find() },
    signal,
  )
  if (info === undefined) throw new TorikiError('source-path')
  const version = info.systemInfo?.version ?? undefined
  const major = version === undefined ? Number.NaN : Number.parseInt(version, 10)
  if (major < OLDEST_MAJOR)
    throw new TorikiError('source-version', {
      message: `Keycloak ${major} is too old: ${OLDEST_MAJOR} is the oldest that is supported.`,
    })
  return version
}
