import { expect, test } from '@jest/globals'
import { keepInstallers } from '../../../../../lib/components/keycloak/write/installer-part.ts'
import type { Part } from '../../../../../lib/components/keycloak/write/installer-part.ts'
import { installerPart, isInstallerOwned } from '../../../../../lib/components/keycloak/write/installer.ts'

test("an administrator's bindings of an installer's group are as wanted, the installer's own as they are", () => {
  const part = installerPart('group', ['developer']) as Part
  const live = {
    attributes: { note: ['new'] },
    clientRoles: { jupyterhub: ['jupyterhub_developer', 'surprise'], grafana: ['grafana_developer'] },
  }
  const wanted = {
    attributes: { note: ['old'] },
    clientRoles: {
      jupyterhub: ['dask_gateway_developer', 'jupyterhub_developer', 'my-perm'],
      'lab-portal': ['viewer'],
    },
  }
  expect(keepInstallers(part, live, wanted)).toEqual({
    state: {
      attributes: { note: ['old'] },
      clientRoles: {
        grafana: ['grafana_developer'],
        jupyterhub: ['jupyterhub_developer', 'my-perm'],
        'lab-portal': ['viewer'],
      },
    },
    left: ['clientRoles.grafana.grafana_developer', 'clientRoles.jupyterhub.dask_gateway_developer'],
  })
})

test("of an installer's client only what stands beside it is as wanted", () => {
  const part = installerPart('client', ['jupyterhub']) as Part
  const live = { redirectUris: ['https://new'], mappers: { 'group-membership-mapper': { a: 1 }, mine: { b: 1 } } }
  const wanted = { redirectUris: ['https://old'], mappers: { 'group-membership-mapper': { a: 2 }, mine: { b: 2 } } }
  expect(keepInstallers(part, live, wanted)).toEqual({
    state: { redirectUris: ['https://new'], mappers: { 'group-membership-mapper': { a: 1 }, mine: { b: 2 } } },
    left: ['mappers.group-membership-mapper', 'redirectUris'],
  })
})

test("what an older Keycloak adds to an installer's client with a service account is not brought to a newer one", () => {
  const part = installerPart('client', ['jupyterhub']) as Part
  const added = Object.fromEntries(['Client Host', 'Client ID', 'Client IP Address'].map((name) => [name, {}]))
  expect(keepInstallers(part, { mappers: {} }, { mappers: { ...added, mine: {} } })).toEqual({
    state: { mappers: { mine: {} } },
    left: ['mappers.Client Host', 'mappers.Client ID', 'mappers.Client IP Address'],
  })
})

test.each([
  ['group', ['admin']],
  ['default-group', ['analyst']],
  ['client', ['conda_store']],
  ['client', ['nebari-ext-docs-client']],
  ['client', ['argocd']],
  ['client-role', ['jupyterhub', 'jupyterhub_admin']],
  ['service-account', ['jupyterhub']],
  ['identity-provider', ['github']],
  ['flow', ['detect-existing']],
])("the %s %j is the installer's", (kind, segments) => {
  expect(isInstallerOwned(kind, segments)).toBe(true)
})

test.each([
  ['group', ['projects', 'admin']],
  ['group', ['admin', 'team']],
  ['default-group', ['projects']],
  ['client', ['lab-portal']],
  ['client-role', ['jupyterhub', 'my-perm']],
  ['client-role', ['jupyterhub', 'toString']],
  ['client-role', ['lab-portal', 'jupyterhub_admin']],
  ['realm-role', ['admin']],
  ['client-scope', ['groups']],
  ['user', ['admin']],
])('the %s %j is not', (kind, segments) => {
  expect(isInstallerOwned(kind, segments)).toBe(false)
})
