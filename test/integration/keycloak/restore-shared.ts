/** The shared state of the seed realm on one real Keycloak: spoiled, restored, read again; taken back, and restored again. What the installer owns is not touched. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Component } from '../../../lib/components/component.ts'
import { keycloakComponent } from '../../../lib/components/keycloak/component.ts'
import { keycloakWriter } from '../../../lib/components/keycloak/write/writer.ts'
import type { ComponentWriter } from '../../../lib/components/writer.ts'
import { canonicalJson } from '../../../lib/resources/json.ts'
import { SHARED } from '../../../lib/resources/slice.ts'
import { readSlice } from '../../contract/component.ts'
import type { ReadResource } from '../../contract/component.ts'
import { testSettings } from '../../contract/keycloak.ts'
import { buildSeedRealm } from '../../kit/seed-realm/build-seed-realm.ts'
import { connectAdmin } from '../../kit/servers/admin-rest.ts'
import { isAtLeast } from '../../kit/servers/keycloak-install.ts'
import type { KeycloakVersion } from '../../kit/servers/keycloak-install.ts'
import { startKeycloak } from '../../kit/servers/keycloak.ts'
import type { KeycloakServer } from '../../kit/servers/keycloak.ts'
import { startPostgres } from '../../kit/servers/postgres.ts'
import type { SeedRealm } from '../../kit/seed-realm/build-seed-realm.ts'
import { applySlice, backwards, planSlice, willChange } from './restore-slice.ts'
import { enrichShared, INSTALLERS, spoilInstallers, spoilShared } from './spoil-shared.ts'

/** The kinds that are spoiled here. */
const KINDS: ReadonlySet<string> = new Set([
  ...['client-scope', 'realm-role', 'client', 'client-role', 'service-account', 'group', 'default-group'],
  'organization',
])

interface Opened {
  readonly component: Component
  readonly writer: ComponentWriter
}

/** Reads and writes as whoever may do everything: before 26.7 nobody else sees organizations. */
export function openShared(server: KeycloakServer, seed: SeedRealm): Opened {
  const account = seed.clients['backup-admin']
  const restore = { client: account.clientId, secret: account.secret }
  return {
    component: keycloakComponent(testSettings(server, account)),
    writer: keycloakWriter(testSettings(server, seed.clients['backup-ro'], { restore })),
  }
}

export function describeRestoredShared(version: KeycloakVersion): void {
  describe(`shared state restored on Keycloak ${version}`, () => {
    const has26 = isAtLeast(version, 26)
    let opened: Opened
    let ground: Parameters<typeof spoilShared>[0]
    let wanted: readonly ReadResource[]
    let close: () => Promise<void>

    beforeAll(async () => {
      const postgres = await startPostgres()
      const server = await startKeycloak({ version, postgres })
      close = async () => {
        await server.stop()
        await postgres.stop()
      }
      const seed = await buildSeedRealm(server, { bulk: 5 })
      opened = openShared(server, seed)
      ground = { rest: connectAdmin(server), has26 }
      await enrichShared(ground)
      wanted = await read()
    }, 900_000)
    afterAll(async () => {
      await opened?.writer.close()
      await opened?.component.close()
      await close?.()
    }, 60_000)

    const read = async (): Promise<readonly ReadResource[]> => (await readSlice(opened.component, SHARED)).resources

    test('what was deleted, changed and added is as before; taken back it is as it was found; a second restore plans nothing', async () => {
      await spoilShared(ground)
      const before = await read()
      const planned = await planSlice(opened.writer, SHARED, before, wanted, KINDS)
      expect(planned.filter(({ forecast }) => forecast.kind !== 'will')).toEqual([])
      expect(new Set(planned.map(({ written }) => written.split('/')[0]))).toEqual(
        new Set([...KINDS].filter((kind) => has26 || kind !== 'organization')),
      )
      expect(await applySlice(opened.writer, SHARED, planned)).toEqual({})
      const now = await read()
      expect(textsOf(now)).toEqual(textsOf(wanted))
      expect(await planSlice(opened.writer, SHARED, now, wanted)).toEqual([])
      expect(await applySlice(opened.writer, SHARED, backwards(planned, before))).toEqual({})
      expect(statesOf(await read())).toEqual(statesOf(before))
      expect(await applySlice(opened.writer, SHARED, planned)).toEqual({})
      expect(statesOf(await read())).toEqual(statesOf(wanted))
    }, 600_000)

    test('what the installer owns is compared, and stays to the byte', async () => {
      await spoilInstallers(ground)
      const before = await read()
      const planned = await planSlice(opened.writer, SHARED, before, wanted, KINDS)
      expect(planned.map(({ written }) => written).sort()).toEqual([...INSTALLERS])
      expect(planned.filter(willChange)).toEqual([])
      await applySlice(opened.writer, SHARED, planned)
      expect(textsOf(await read())).toEqual(textsOf(before))
    }, 300_000)
  })
}

/** Secrets and ids included. */
function textsOf(resources: readonly ReadResource[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    resources.map(({ written, state, kept, secrets }) => [
      written,
      [state, kept, secrets].map((part) => canonicalJson(part)).join(' '),
    ]),
  )
}

/** Without ids, which a group or role that was made again has anew. */
function statesOf(resources: readonly ReadResource[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    resources.map(({ written, state, secrets }) => [
      written,
      [state, secrets].map((part) => canonicalJson(part)).join(' '),
    ]),
  )
}
