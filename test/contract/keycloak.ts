/** What every Keycloak must give the component, beside the contract of the port: the stand-in and the real servers are held to the same. */
import { expect } from '@jest/globals'
import type { Component } from '../../lib/components/component.ts'
import { keycloakComponent } from '../../lib/components/keycloak/component.ts'
import type { KeycloakSettings } from '../../lib/settings.ts'
import type { ReadResource } from './component.ts'

/** The settings of a reading account: fast, for tests. */
export function testSettings(
  server: { readonly url: string },
  account: { readonly clientId: string; readonly secret: string },
  more: Partial<KeycloakSettings> = {},
): KeycloakSettings {
  return {
    url: server.url,
    realm: 'nebari',
    login: { client: account.clientId, secret: account.secret },
    requestsPerSecond: 5000,
    ...more,
  }
}

/** Ways to be wrong about a server that works: each is answered with its own code. */
export function brokenConnections(
  settings: KeycloakSettings,
  poor: { readonly clientId: string; readonly secret: string },
): readonly { readonly what: string; readonly open: () => Promise<Component>; readonly code: string }[] {
  const open = (more: Partial<KeycloakSettings>) => () => Promise.resolve(keycloakComponent({ ...settings, ...more }))
  const { client } = settings.login as { readonly client: string }
  return [
    {
      what: 'a wrong base path',
      open: open({ url: settings.url.replace(/\/auth$/, '/keycloak') }),
      code: 'source-path',
    },
    { what: 'no base path', open: open({ url: settings.url.replace(/\/auth$/, '') }), code: 'source-path' },
    { what: 'a realm that is not there', open: open({ realm: 'elsewhere' }), code: 'source-realm' },
    { what: 'a wrong secret', open: open({ login: { client, secret: 'wrong' } }), code: 'source-credentials' },
    {
      what: 'a client that is not there',
      open: open({ login: { client: 'nobody', secret: 'wrong' } }),
      code: 'source-credentials',
    },
    {
      what: 'a wrong password',
      open: open({ login: { username: 'nobody', password: 'wrong', adminRealm: 'master' } }),
      code: 'source-credentials',
    },
    { what: 'nobody listening', open: open({ url: 'http://127.0.0.1:2/auth' }), code: 'source-unreachable' },
    {
      what: 'a right that is missing',
      open: open({ login: { client: poor.clientId, secret: poor.secret } }),
      code: 'source-rights',
    },
  ]
}

/** Every reference to a group, role or client in a person's state is one that stands in the shared state. */
export function expectKnownReferences(shared: readonly ReadResource[], people: readonly ReadResource[]): void {
  const known = new Set(shared.map(({ written }) => written))
  const missing = new Set<string>()
  const look = (key: string): void => {
    if (!known.has(key)) missing.add(key)
  }
  const segment = (text: string): string => text.replaceAll('%', '%25').replaceAll('/', '%2F')
  for (const { state } of people) {
    for (const path of state['groups'] as readonly (readonly string[])[]) look(`group/${path.map(segment).join('/')}`)
    for (const role of state['realmRoles'] as readonly string[]) look(`realm-role/${segment(role)}`)
    for (const [client, roles] of Object.entries(state['clientRoles'] as Record<string, readonly string[]>)) {
      for (const role of roles) look(`client-role/${segment(client)}/${segment(role)}`)
    }
    for (const alias of Object.keys((state['organizations'] ?? {}) as object)) look(`organization/${segment(alias)}`)
  }
  expect([...missing]).toEqual([])
}
