import { expect, test } from '@jest/globals'
import { componentsInCluster } from '../../../lib/components/needs-cluster.ts'
import type { JsonObject } from '../../../lib/resources/json.ts'
import { parseSettings } from '../../../lib/settings.ts'

const outside = {
  url: 'https://nebari.example.org/auth',
  realm: 'nebari',
  client: 'toriki-backup',
  secret: '${aws-sm:campus/keycloak#secret}',
}
const files = { root: '/mnt/nebari', home: 'home/{user}' }
/** Through the settings' own parser, without a secret resolved: what is told here is told of settings that are taken. */
const needs = (components: JsonObject): readonly string[] => {
  const settings = parseSettings(JSON.stringify({ deployment: 'campus', components }), '/there/toriki.yaml', 'platform')
  return componentsInCluster(settings).map(({ component, because }) => `${component}: ${because}`)
}

test.each<[string, JsonObject]>([
  ['homes', { files }],
  ['a Keycloak with an address outside', { keycloak: outside, files }],
  [
    'a database elsewhere, named in clear',
    { keycloak: { ...outside, credentials: { postgres: 'postgres://keycloak.abc.rds.amazonaws.com/keycloak' } } },
  ],
  [
    'an export on the file system of the homes',
    { keycloak: { ...outside, credentials: { export: '/mnt/nebari/export' } }, files },
  ],
])('functions reach %s', (_, components) => {
  expect(needs(components)).toEqual([])
})

test.each<[string, JsonObject, RegExp]>([
  [
    'a database behind a reference',
    { ...outside, credentials: { postgres: '${aws-sm:campus/keycloak#database}' } },
    /credentials\.postgres/,
  ],
  [
    'a database of one word',
    { ...outside, credentials: { postgres: 'postgres://keycloak-postgresql/keycloak' } },
    /credentials\.postgres/,
  ],
  [
    'a database under .svc',
    { ...outside, credentials: { postgres: 'postgres://pg.dev.svc.cluster.local:5432/keycloak' } },
    /credentials\.postgres/,
  ],
  ['a Keycloak under .svc', { ...outside, url: 'http://keycloak-http.dev.svc/auth' }, /`components\.keycloak\.url`/],
  ['an export beside the settings', { ...outside, credentials: { export: 'export' } }, /credentials\.export/],
  ['an export elsewhere on a machine', { ...outside, credentials: { export: '/var/export' } }, /credentials\.export/],
])('functions do not reach %s, and the reason names the setting', (_, keycloak, names) => {
  expect(needs({ keycloak, files })).toEqual([expect.stringMatching(names)])
})

test('no reason repeats what a setting holds', () => {
  const postgres = 'postgres://very-private-host/keycloak'
  expect(needs({ keycloak: { ...outside, credentials: { postgres } } }).join()).not.toContain('very-private-host')
})
