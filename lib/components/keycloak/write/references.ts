/**
 * Which names a change refers to that the target does not have. Found before the first write: an import would make roles silently, without attributes and
 * composites.
 */
import { encodeKey, formatKey } from '../../../resources/key.ts'
import { isInstallerOwned } from './installer.ts'
import { groupName } from './target.ts'
import type { Work } from './work.ts'

export interface References {
  readonly groups: readonly (readonly string[])[]
  readonly realmRoles: readonly string[]
  readonly clientRoles: Readonly<Record<string, readonly string[]>>
  readonly providers?: readonly string[]
  readonly clients?: readonly string[]
  readonly scopes?: readonly string[]
  readonly organizations?: readonly string[]
  /** Aliases. */
  readonly flows?: readonly string[]
}

/** Written keys, ascending. */
export async function missingReferences(work: Work, references: References): Promise<readonly string[]> {
  const { target, signal } = work
  const missing: string[] = []
  const look = (isThere: boolean, kind: string, segments: readonly string[]): void => {
    if (isThere || (work.expected.comes(kind, segments) && !isLeft(work, kind, segments))) return
    missing.push(formatKey(encodeKey(kind, segments)))
  }
  const {
    groups,
    realmRoles,
    clientRoles,
    providers = [],
    clients = [],
    scopes = [],
    organizations = [],
    flows = [],
  } = references
  if (groups.length > 0) {
    const known = await target.groups(signal)
    for (const path of groups) look(known.has(groupName(path)), 'group', path)
  }
  if (realmRoles.length > 0) {
    const known = await target.realmRoles(signal)
    for (const name of realmRoles) look(known.has(name), 'realm-role', [name])
  }
  for (const [clientId, names] of Object.entries(clientRoles)) {
    const known = await target.clientRoles(clientId, signal)
    for (const name of names) look(known.has(name), 'client-role', [clientId, name])
  }
  if (providers.length > 0) {
    const known = await target.providers(signal)
    for (const alias of providers) look(known.has(alias), 'identity-provider', [alias])
  }
  if (clients.length > 0) {
    const known = await target.clients(signal)
    for (const clientId of clients) look(known.has(clientId), 'client', [clientId])
  }
  if (scopes.length > 0) {
    const known = await target.scopes(signal)
    for (const name of scopes) look(known.has(name), 'client-scope', [name])
  }
  if (organizations.length > 0) {
    const known = await target.organizations(signal)
    for (const alias of organizations) look(known.has(alias), 'organization', [alias])
  }
  if (flows.length > 0) {
    const known = await target.flows(signal)
    for (const alias of flows) look(known.has(alias), 'flow', [alias])
  }
  return missing.sort()
}

/** What the installer makes is not made here, though the plan holds it. */
function isLeft({ options }: Work, kind: string, segments: readonly string[]): boolean {
  return !options.installerOwned && isInstallerOwned(kind, segments)
}

/** The reason that names what is missing; the first few. */
export function missingReason(missing: readonly string[]): string {
  const shown = missing.slice(0, SHOWN_MAX).join(', ')
  const more = missing.length > SHOWN_MAX ? ` and ${missing.length - SHOWN_MAX} more` : ''
  return `It refers to what is not there: ${shown}${more}. Restore the shared state first.`
}

const SHOWN_MAX = 5
