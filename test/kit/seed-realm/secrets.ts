import { createHash } from 'node:crypto'

/**
 * A secret value that is the same in every build and occurs nowhere by chance: the purpose and ten digits of its hash.
 * Test-only; a search for it in stores, logs and terminals must find nothing.
 */
export function plantedSecret(purpose: string): string {
  return `${purpose}-${createHash('sha256').update(`toriki seed ${purpose}`).digest('hex').slice(0, 10)}`
}

/** A uuid made from a name, the same in every build. */
export function fixedId(name: string): string {
  const hex = createHash('sha256').update(`toriki seed id ${name}`).digest('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    '-',
  )
}

export const SMTP_SECRET = plantedSecret('smtp-secret')
export const GITHUB_SECRET = plantedSecret('gsecret')
export const UNI_SECRET = plantedSecret('unisecret')
export const LDAP_SECRET = plantedSecret('ldap-secret')

/** Secrets of the confidential clients, by client id. */
export const CLIENT_SECRETS = {
  jupyterhub: plantedSecret('hubsecret'),
  conda_store: plantedSecret('condasecret'),
  grafana: plantedSecret('grafanasecret'),
  'argo-server-sso': plantedSecret('argosecret'),
  forwardauth: plantedSecret('forwardsecret'),
  'lab-portal': plantedSecret('labsecret'),
  'backup-ro': plantedSecret('backup-ro-secret'),
  'backup-rw': plantedSecret('backup-rw-secret'),
  'backup-poor': plantedSecret('backup-poor-secret'),
  'backup-admin': plantedSecret('backup-admin-secret'),
} as const

export type ConfidentialClient = keyof typeof CLIENT_SECRETS
