/** Every connection and right, one by one, each with what to do. Rights of a backup must be rights to read. */
import { isTorikiError, toTorikiError } from '../../errors.ts'
import type { Check } from '../component.ts'
import type { KeycloakClient } from './client.ts'
import type { CredentialSource } from './credential-source.ts'
import { grantRemedy } from './failure.ts'
import { readRights } from './right.ts'
import { probeRights } from './rights.ts'
import { probeVersion } from './version.ts'

/** What cannot be asked because something before it failed is not listed. Never throws. */
export async function* doctorKeycloak(
  client: KeycloakClient,
  source: CredentialSource | undefined,
  signal: AbortSignal,
): AsyncIterable<Check> {
  yield* doctorServer(client, signal)
  if (source !== undefined) yield* source.check()
  else {
    yield {
      check: 'keycloak: password hashes (no source configured: noted as not covered)',
      ok: true,
      remedy: 'Name the database or an export under components.keycloak.credentials, so that passwords survive.',
    }
  }
}

async function* doctorServer(client: KeycloakClient, signal: AbortSignal): AsyncIterable<Check> {
  const login = await attempt('keycloak: login', async () => void (await client.token.get()))
  yield login
  if (!login.ok) return
  let version: string | undefined
  const server = await attempt('keycloak: server', async () => {
    version = await probeVersion(client, signal)
  })
  yield version === undefined ? server : { ...server, check: `keycloak: server ${version}` }
  if (!server.ok) return
  try {
    const rights = await probeRights(client, signal)
    yield { check: `keycloak: realm`, ok: true }
    for (const right of readRights) {
      if (right === 'view-organizations' && rights.organizations !== 'open' && rights.organizations !== 'missing')
        continue
      const ok = !rights.missing.includes(right)
      yield { check: `keycloak: right ${right}`, ok, ...(ok ? {} : { remedy: grantRemedy([right]) }) }
    }
    const ok = rights.writing.length === 0
    yield {
      check: 'keycloak: rights are only to read',
      ok,
      ...(ok
        ? {}
        : {
            remedy: `Take ${rights.writing.join(', ')} away from the account that backs up: only the one that restores needs them.`,
          }),
    }
  } catch (error) {
    yield failed(isTorikiError(error, 'source-realm') ? 'keycloak: realm' : 'keycloak: rights', error)
  }
}

async function attempt(check: string, action: () => Promise<void>): Promise<Check> {
  try {
    await action()
    return { check, ok: true }
  } catch (error) {
    return failed(check, error)
  }
}

function failed(check: string, error: unknown): Check {
  const { message, remedy } = toTorikiError(error)
  return { check, ok: false, remedy: `${message} ${remedy}` }
}
