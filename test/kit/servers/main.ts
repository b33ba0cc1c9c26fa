/**
 * Starts a real PostgreSQL and Keycloak with the seed realm by hand, prints how to reach them as one JSON object, and runs until Ctrl-C.
 * `node test/kit/servers/main.ts [26.7.4|26.3.4|24.0.5] [--base-path /] [--variant B] [--bulk 1000] [--large] [--no-organizations] [--no-seed]`
 */
import { parseArgs } from 'node:util'
import { BULK_PASSWORD } from '../seed-realm/bulk.ts'
import { buildSeedRealm } from '../seed-realm/build-seed-realm.ts'
import { KEYCLOAK_VERSIONS } from './keycloak-install.ts'
import { startKeycloak } from './keycloak.ts'
import { startPostgres } from './postgres.ts'
import { createReadOnlyDatabaseRole } from './read-only-role.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    'base-path': { type: 'string', default: '/auth' },
    variant: { type: 'string', default: 'A' },
    bulk: { type: 'string', default: '130' },
    large: { type: 'boolean', default: false },
    'no-organizations': { type: 'boolean', default: false },
    'no-seed': { type: 'boolean', default: false },
  },
})

const wanted = positionals[0] ?? KEYCLOAK_VERSIONS[0]
const version = KEYCLOAK_VERSIONS.find((one) => one === wanted)
const basePath = (['/auth', '/'] as const).find((one) => one === values['base-path'])
const variant = (['A', 'B'] as const).find((one) => one === values.variant)
const bulk = Number(values.bulk)
if (
  version === undefined ||
  basePath === undefined ||
  variant === undefined ||
  !Number.isSafeInteger(bulk) ||
  bulk < 0
) {
  console.error(
    `Give one of the versions ${KEYCLOAK_VERSIONS.join(', ')}; --base-path /auth or /; --variant A or B; --bulk a number of people.`,
  )
  process.exit(64)
}

const postgres = await startPostgres()
const server = await startKeycloak({ version, basePath, postgres })
const place = {
  version: server.version,
  url: server.url,
  admin: server.admin,
  javaPid: server.pid,
  databaseUrl: server.database.url,
  startMs: server.started.tookMs,
}
if (values['no-seed']) {
  console.log(JSON.stringify(place, undefined, 2))
} else {
  const options = { variant, bulk, large: values.large, organizations: !values['no-organizations'] }
  const seed = await buildSeedRealm(server, options)
  const { realm, clients, users, expected, organizations } = seed
  const people = users.map(({ username, password, otp, login }) => ({ username, password, otp, login }))
  const seeded = {
    ...{ realm, variant, organizations, seedMs: seed.tookMs, userCount: expected.userCount },
    readOnlyDatabaseUrl: await createReadOnlyDatabaseRole(postgres, server.database),
    ...{ clients, bulkPassword: BULK_PASSWORD, people },
  }
  console.log(JSON.stringify({ ...place, ...seeded }, undefined, 2))
}
// Runs until a signal ends this process, which ends the servers and removes their folders.
console.error('Running; Ctrl-C stops both servers.')
setInterval(() => undefined, 2 ** 30)
