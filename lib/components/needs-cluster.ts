/**
 * Which components functions cannot reach, told from the settings alone: no secret is resolved and nobody is asked. What such components need stands in the cluster (a
 * service that has no address outside, a file that only a pod has), so `toriki work` reads them from there, while functions do the rest.
 */
import { isAbsolute, relative, sep } from 'node:path'
import type { ComponentName } from '../resources/component-name.ts'
import type { JsonObject, JsonValue } from '../resources/json.ts'

export interface ClusterNeed {
  readonly component: ComponentName
  /** For people, after "because": what functions cannot reach. Names settings, never what they hold. */
  readonly because: string
  /** The lines of `doctor` that fail in a function because of it. */
  readonly lines: RegExp
}

/** In the components' order, each at most once: its first reason. `source`: the settings as they are written (`Settings.source`). */
export function componentsInCluster({ source }: { readonly source: JsonObject }): readonly ClusterNeed[] {
  const components = memberOf(source, 'components')
  const keycloak = memberOf(components, 'keycloak')
  const need = keycloak === undefined ? undefined : needOfKeycloak(keycloak, memberOf(components, 'files'))
  return need === undefined ? [] : [{ component: 'keycloak', ...need }]
}

function needOfKeycloak(keycloak: JsonValue, files: JsonValue | undefined): Omit<ClusterNeed, 'component'> | undefined {
  if (isInCluster(textOf(keycloak, 'url')))
    return { because: '`components.keycloak.url` is an address inside the cluster', lines: /^keycloak: / }
  const lines = /^keycloak: (database|export) /
  const database = textOf(keycloak, 'credentials', 'postgres')
  // A reference hides where it leads, and Nebari's database is a service of the cluster: only an address in clear can say otherwise.
  if (database !== undefined && (isReference(database) || isInCluster(database)))
    return { because: '`components.keycloak.credentials.postgres` is Keycloak’s database, inside the cluster', lines }
  const folder = textOf(keycloak, 'credentials', 'export')
  if (folder !== undefined && !isBelow(textOf(files, 'root'), folder))
    return { because: '`components.keycloak.credentials.export` is a folder that no function has', lines }
  return undefined
}

/** Kubernetes names its services by one word, or under `.svc`. */
function isInCluster(address: string | undefined): boolean {
  if (address === undefined || !URL.canParse(address)) return false
  const { hostname } = new URL(address)
  return /^[a-z0-9-]+$/i.test(hostname) || /\.svc(\.cluster\.local)?\.?$/i.test(hostname)
}

function isReference(text: string): boolean {
  return text.startsWith('${')
}

/** Functions have the file system of the homes; nothing else of a machine. */
function isBelow(root: string | undefined, path: string): boolean {
  if (root === undefined || !isAbsolute(path)) return false
  const way = relative(root, path)
  return way !== '..' && !way.startsWith(`..${sep}`)
}

function textOf(value: JsonValue | undefined, ...path: readonly string[]): string | undefined {
  const found = path.reduce(memberOf, value)
  return typeof found === 'string' ? found : undefined
}

function memberOf(value: JsonValue | undefined, name: string): JsonValue | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || !Object.hasOwn(value, name))
    return undefined
  return (value as JsonObject)[name]
}
