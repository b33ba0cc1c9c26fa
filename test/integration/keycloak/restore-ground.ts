/** A real Keycloak with the seed realm, and the whole product beside it: what was saved from one server is restored to the same or to another one. */
import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { keycloakComponent } from '../../../lib/components/keycloak/component.ts'
import { isLocalName, SHARED, userSlice } from '../../../lib/resources/slice.ts'
import type { KeycloakSettings } from '../../../lib/settings.ts'
import { readSlice } from '../../contract/component.ts'
import type { ReadResource } from '../../contract/component.ts'
import { testSettings } from '../../contract/keycloak.ts'
import { makeNebari } from '../../kit/acceptance/nebari.ts'
import type { Nebari } from '../../kit/acceptance/nebari.ts'
import type { CommandResult } from '../../kit/command-line.ts'
import { buildSeedRealm } from '../../kit/seed-realm/build-seed-realm.ts'
import type { SeedRealm } from '../../kit/seed-realm/build-seed-realm.ts'
import { connectAdmin, eachOf } from '../../kit/servers/admin-rest.ts'
import type { AdminRest } from '../../kit/servers/admin-rest.ts'
import type { KeycloakVersion } from '../../kit/servers/keycloak-install.ts'
import { startKeycloak } from '../../kit/servers/keycloak.ts'
import type { KeycloakServer } from '../../kit/servers/keycloak.ts'
import type { Postgres } from '../../kit/servers/postgres.ts'
import { createReadOnlyDatabaseRole } from '../../kit/servers/read-only-role.ts'

export interface SeededServer {
  readonly server: KeycloakServer
  readonly seed: SeedRealm
  readonly rest: AdminRest
  readonly databaseUrl: string
  /** Usernames of people whom a slice can name. */
  readonly people: readonly string[]
  /** The component's own reading, eight side by side: written key → resource. */
  read(account?: keyof SeedRealm['clients']): Promise<ReadonlyMap<string, ReadResource>>
  readPerson(username: string): Promise<ReadResource | undefined>
  idOf(username: string): Promise<string>
  removePeople(usernames: readonly string[]): Promise<void>
}

export async function seededServer(postgres: Postgres, version: KeycloakVersion, bulk: number): Promise<SeededServer> {
  const server = await startKeycloak({ version, postgres })
  const seed = await buildSeedRealm(server, { bulk })
  const databaseUrl = await createReadOnlyDatabaseRole(postgres, server.database)
  const rest = connectAdmin(server)
  const settings = (account: keyof SeedRealm['clients']): KeycloakSettings =>
    testSettings(server, seed.clients[account], { credentials: { postgres: databaseUrl } })
  const idOf = async (username: string): Promise<string> =>
    (await rest.get<{ id: string }[]>(`/nebari/users?exact=true&username=${encodeURIComponent(username)}`))[0]?.id ?? ''
  return {
    ...{ server, seed, rest, databaseUrl, idOf },
    people: seed.expected.usernames.filter((name) => isLocalName(Buffer.from(name))),
    async read(account = 'backup-ro') {
      const component = keycloakComponent(settings(account))
      try {
        const found = (await readSlice(component, SHARED)).resources.map((one) => [one.written, one] as const)
        const names = (await rest.get<{ username: string }[]>('/nebari/users?max=-1')).map(({ username }) => username)
        const people = await eachOf(names, 8, async (name) => (await readSlice(component, userSlice(name))).resources)
        return new Map([...found, ...people.flat().map((one) => [one.written, one] as const)])
      } finally {
        await component.close()
      }
    },
    async readPerson(username) {
      const component = keycloakComponent(settings('backup-admin'))
      try {
        return (await readSlice(component, userSlice(username))).resources[0]
      } finally {
        await component.close()
      }
    },
    async removePeople(usernames) {
      await eachOf(usernames, 8, async (name) => {
        await rest.delete(`/nebari/users/${await idOf(name)}`)
      })
    },
  }
}

interface Turn {
  readonly url?: string
  readonly account?: keyof SeedRealm['clients']
}

export interface Product {
  readonly nebari: Nebari
  /** Everything it printed so far, on stdout and stderr. */
  printed(): string
  toriki(...words: readonly string[]): Promise<CommandResult>
  json<T>(...words: readonly string[]): Promise<T>
  /** From now on this server is backed up and restored. */
  turnTo(target: SeededServer, more?: Turn): void
}

/** The product with a store of its own. */
export async function productBeside(source: SeededServer): Promise<Product> {
  let printed = ''
  const turn = (
    { server, seed, databaseUrl }: SeededServer,
    folder: string,
    { url = server.url, account = 'backup-admin' }: Turn = {},
  ): Record<string, unknown> => {
    const secret = (name: string, value: string): string => {
      const path = join(folder, name)
      writeFileSync(path, value, { mode: 0o600 })
      return `\${file:${path}}`
    }
    const restoring = seed.clients[account]
    return {
      url,
      realm: 'nebari',
      client: 'backup-ro',
      secret: secret('backup-secret', seed.clients['backup-ro'].secret),
      credentials: { postgres: secret('database-url', databaseUrl) },
      restore: { client: restoring.clientId, secret: secret('restore-secret', restoring.secret) },
    }
  }
  let folder = ''
  const nebari = await makeNebari({
    users: 0,
    homes(root) {
      folder = dirname(root)
      return []
    },
    change(settings) {
      delete settings.components.files
      settings.components.keycloak = turn(source, folder)
      settings.limits = { attempts: 2, requestsPerSecond: { keycloak: 5_000 } }
    },
  })
  return {
    nebari,
    printed: () => printed,
    async toriki(...words) {
      const result = await nebari.toriki(words)
      printed += `${result.out}\n${result.err}\n`
      return result
    },
    async json<T>(...words: readonly string[]) {
      const result = await nebari.toriki(['--json', ...words])
      printed += `${result.out}\n${result.err}\n`
      return result.json<T>()
    },
    turnTo(target, more = {}) {
      nebari.configure((settings) => {
        settings.components.keycloak = turn(target, nebari.folder, more)
      })
    },
  }
}
