import { connectAdmin } from '../servers/admin-rest.ts'
import { isAtLeast } from '../servers/keycloak-install.ts'
import type { KeycloakServer } from '../servers/keycloak.ts'
import { REALM, type Building, type Variant } from './building.ts'
import { BULK_PASSWORD, bulkUsers } from './bulk.ts'
import { buildClients, type BackupClient } from './clients.ts'
import { expectedOf, type Expected } from './expected.ts'
import { buildFederation } from './federation.ts'
import { bindGroups, buildGroups } from './groups.ts'
import { buildUsers, importUsers } from './import-users.ts'
import { buildInstallerLayer } from './installer.ts'
import { buildOrganizations } from './organizations.ts'
import { buildRoles } from './roles.ts'
import { CLIENT_SECRETS, GITHUB_SECRET, LDAP_SECRET, SMTP_SECRET, UNI_SECRET } from './secrets.ts'
import { buildSettings } from './settings.ts'
import { namedUsers, type SeededUser } from './users.ts'

export interface SeedOptions {
  /** Default `A`. */
  readonly variant?: Variant
  /** Default: on from 26, the first version that has them. */
  readonly organizations?: boolean
  /** People beside the named ones; default 130, which is past the first page of every list. */
  readonly bulk?: number
  /** Also past the first page of groups, realm roles and identity providers. Default false. */
  readonly large?: boolean
}

/** What was built, and what a reader of it must find. */
export interface SeedRealm {
  readonly realm: string
  readonly variant: Variant
  readonly organizations: boolean
  readonly users: readonly SeededUser[]
  /** Client id and secret of the service accounts (rights: `BACKUP_RIGHTS`). */
  readonly clients: Readonly<Record<BackupClient, { readonly clientId: string; readonly secret: string }>>
  /** Every secret in the realm that may nowhere be seen in clear: passwords, their hashes, one-time-code secrets, client, SMTP, LDAP secrets. */
  readonly plantedSecrets: readonly string[]
  readonly expected: Expected
  readonly tookMs: number
}

/**
 * Builds the realm `nebari` on a server that has none, through REST: first what Nebari's installer makes, then the admin's and the people's layer.
 * Deterministic: two builds on one version are equal after ids and dates of the server's own are removed (`fingerprint`).
 */
export async function buildSeedRealm(server: KeycloakServer, options: SeedOptions = {}): Promise<SeedRealm> {
  const begun = Date.now()
  const { variant = 'A', bulk = 130, large = false } = options
  const organizations = isAtLeast(server.version, 26) && options.organizations !== false
  const building: Building = { rest: connectAdmin(server), version: server.version, variant, organizations, large }
  const users = namedUsers(building)
  await buildInstallerLayer(building)
  await buildSettings(building)
  await buildGroups(building)
  await buildClients(building)
  await buildRoles(building)
  await bindGroups(building)
  await buildFederation(building)
  await buildUsers(building, users)
  await importUsers(building.rest, bulkUsers(bulk))
  await buildOrganizations(building)
  const account = (clientId: BackupClient): { clientId: string; secret: string } => ({
    clientId,
    secret: CLIENT_SECRETS[clientId],
  })
  return {
    realm: REALM,
    variant,
    organizations,
    users,
    clients: {
      'backup-ro': account('backup-ro'),
      'backup-rw': account('backup-rw'),
      'backup-poor': account('backup-poor'),
      'backup-admin': account('backup-admin'),
    },
    plantedSecrets: plantedSecretsOf(users),
    expected: expectedOf(building, users, bulk),
    tookMs: Date.now() - begun,
  }
}

/** The list of secrets; pure. */
export function plantedSecretsOf(users: readonly SeededUser[]): string[] {
  const ofUsers = users.flatMap(({ password, otp, record }) => [
    ...(password === undefined ? [] : [password]),
    ...otp.map(({ secret }) => secret),
    ...record.credentials
      .filter(({ type }) => type === 'password')
      .map(({ secretData }) => (JSON.parse(secretData) as { value: string }).value),
  ])
  const ofServers = [SMTP_SECRET, GITHUB_SECRET, UNI_SECRET, LDAP_SECRET, ...Object.values(CLIENT_SECRETS)]
  return [...new Set([...ofServers, BULK_PASSWORD, ...ofUsers])]
}
