import type { Database, Postgres } from './postgres.ts'

/**
 * A PostgreSQL role that may read the tables `realm`, `user_entity` and `credential` of one Keycloak's database and nothing else: all that a backup of
 * password hashes needs. Returns its connection string. Made once per database; a second call makes a second role.
 */
export async function createReadOnlyDatabaseRole(postgres: Postgres, database: Database): Promise<string> {
  const role = `reader_${database.name}_${++serial}`
  const password = `planted-reader-secret-${serial}`
  await postgres.query(
    database.name,
    `CREATE ROLE "${role}" LOGIN PASSWORD '${password}';
     GRANT USAGE ON SCHEMA public TO "${role}";
     GRANT SELECT ON realm, user_entity, credential TO "${role}";`,
  )
  return `postgres://${role}:${password}@${database.host}:${database.port}/${database.name}`
}

let serial = 0
