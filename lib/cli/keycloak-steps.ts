/** The steps that make the two clients of Toriki in Keycloak, by `kcadm.sh`: one that only reads, one that restores. Least rights: docs/security.md. */

export interface Step {
  readonly step: string
  readonly command: string
}

/** Rights of realm-management that a complete read-only backup needs. `view-organizations` exists from 26.7 on. */
export const BACKUP_ROLES: readonly string[] = ['view-users', 'view-realm', 'view-clients', 'view-identity-providers']
/** Rights that a restore needs: it reads what it is about to write. Given to a client of its own, whose secret backup functions never hold. `manage-organizations` exists from 26.7 on. */
export const RESTORE_ROLES: readonly string[] = [
  ...BACKUP_ROLES,
  'manage-realm',
  'manage-users',
  'manage-clients',
  'manage-identity-providers',
]

/** What stands in the settings for the account that restores. */
export function restoreAccountLines(client: string): string {
  return `components:\n  keycloak:\n    restore: { client: ${client}, secret: "\${env:KEYCLOAK_RESTORE_SECRET}" }`
}

export function keycloakSteps({
  url,
  realm,
  client,
}: {
  readonly url: string
  readonly realm: string
  readonly client: string
}): readonly Step[] {
  const restore = client.replace(/-backup$/, '') + '-restore'
  const make = (name: string): string =>
    `kcadm.sh create clients -r ${realm} -s clientId=${name} -s publicClient=false \\\n  -s serviceAccountsEnabled=true -s standardFlowEnabled=false -s directAccessGrantsEnabled=false`
  const grant = (name: string, roles: readonly string[]): string =>
    `kcadm.sh add-roles -r ${realm} --uusername service-account-${name} --cclientid realm-management${roles.map((role, index) => `${index % 4 === 0 ? ' \\\n ' : ''} --rolename ${role}`).join('')}`
  const secret = (name: string): string =>
    `kcadm.sh get clients -r ${realm} -q clientId=${name} --fields id   # then:\nkcadm.sh get clients/ID/client-secret -r ${realm}`
  return [
    {
      step: 'Log in as an administrator',
      command: `kcadm.sh config credentials --server ${url} --realm master --user admin`,
    },
    { step: `The client that backs up: it can only read`, command: `${make(client)}\n${grant(client, BACKUP_ROLES)}` },
    {
      step: 'From Keycloak 26.7 on, organizations have a right of their own',
      command: grant(client, ['view-organizations']),
    },
    { step: 'Its secret: put it where `components.keycloak.secret` points', command: secret(client) },
    {
      step: 'The client that restores, with rights of its own (not needed for backups)',
      command: `${make(restore)}\n${grant(restore, RESTORE_ROLES)}`,
    },
    {
      step: 'From Keycloak 26.7 on',
      command: grant(restore, ['view-organizations', 'manage-organizations']),
    },
    {
      step: 'Its secret: put it where only restores run, as KEYCLOAK_RESTORE_SECRET',
      command: secret(restore),
    },
    {
      step: 'And add the line `restore` to the settings',
      command: restoreAccountLines(restore),
    },
  ]
}
