/**
 * Hashes from Keycloak's own PostgreSQL: one prepared statement per person, in sessions that can only read. The role needs SELECT on `realm`,
 * `user_entity` and `credential` (and on `fed_user_credential`, where a federation keeps people outside Keycloak), nothing else.
 */
import pg from 'pg'
import * as z from 'zod'
import { TorikiError, toTorikiError } from '../../errors.ts'
import type { Check } from '../component.ts'
import type { CredentialAnswer, CredentialSource } from './credential-source.ts'
import { KeycloakAnswer, systemCode } from './failure.ts'
import { waitFor } from './stop.ts'

const rowSchema = z.object({
  id: z.string(),
  type: z.string(),
  user_label: z.string().nullable(),
  created_date: z.string().nullable(),
  secret_data: z.string().nullable(),
  credential_data: z.string().nullable(),
})

/** Columns alike in every version from 8 to 26 (reference: keycloak.md §3.1). One row with nulls: the person is there and has none. */
const OF_PERSON = `select c.id, c.type, c.user_label, c.created_date::text, c.secret_data, c.credential_data
  from user_entity u join realm r on r.id = u.realm_id left join credential c on c.user_id = u.id
  where u.id = $1 and r.name = $2 order by c.priority, c.id`
/** People of a federation that does not import them: their id begins with \`f:\`. */
const OF_FEDERATED = `select c.id, c.type, c.user_label, c.created_date::text, c.secret_data, c.credential_data
  from fed_user_credential c join realm r on r.id = c.realm_id where c.user_id = $1 and r.name = $2 order by c.priority, c.id`
const WRITABLE = `select coalesce(bool_or(has_table_privilege(c.oid, p)), false) as can_write
  from pg_class c, unnest(array['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) p
  where c.relname in ('realm', 'user_entity', 'credential') and c.relkind = 'r' and pg_table_is_visible(c.oid)`

const NO_REALM = 'That database has no such realm: name the one of this Keycloak under components.keycloak.credentials.'
const ONLY_READ =
  'Give the backup a role of its own with SELECT on realm, user_entity and credential, and nothing else.'

const CONNECTIONS_MAX = 4
const CONNECT_TIMEOUT_MS = 10_000
const STATEMENT_TIMEOUT_MS = 30_000

export class PostgresCredentials implements CredentialSource {
  readonly isPast = false
  readonly #realm: string
  readonly #pool: pg.Pool

  /** Connects when first asked. @throws TorikiError `credentials-unreadable` for an address that is none, or that switches the check of certificates off. */
  constructor({
    address,
    realm,
    ca,
  }: {
    readonly address: string
    readonly realm: string
    readonly ca?: string | undefined
  }) {
    this.#realm = realm
    this.#pool = new pg.Pool({
      ...connectionOf(address, ca),
      max: CONNECTIONS_MAX,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      idleTimeoutMillis: 60_000,
      allowExitOnIdle: true,
      application_name: 'toriki',
      // The server itself refuses any write of these sessions.
      options: `-c default_transaction_read_only=on -c statement_timeout=${STATEMENT_TIMEOUT_MS}`,
      query_timeout: STATEMENT_TIMEOUT_MS + 5_000,
    })
    // A connection that breaks while it is idle is replaced at the next query, which tells if that fails too.
    this.#pool.on('error', () => undefined)
  }

  async read(
    person: { readonly id: string; readonly username: string },
    signal: AbortSignal,
  ): Promise<CredentialAnswer | undefined> {
    const isFederated = person.id.startsWith('f:')
    const rows = await waitFor(
      this.#query(isFederated ? 'toriki-federated' : 'toriki-person', isFederated ? OF_FEDERATED : OF_PERSON, [
        person.id,
        this.#realm,
      ]),
      signal,
    )
    if (rows.length === 0 && !isFederated) return undefined
    const credentials = rows
      .filter((row) => (row as { id: unknown }).id !== null)
      .map((row) => {
        const parsed = rowSchema.safeParse(row)
        if (!parsed.success) throw unreadable('The table of credentials is not the one of a Keycloak that we know.')
        const {
          id,
          type,
          user_label: userLabel,
          created_date: created,
          secret_data: secretData,
          credential_data: credentialData,
        } = parsed.data
        return {
          id,
          type,
          userLabel: userLabel ?? undefined,
          createdDateMs: created === null ? undefined : Number(created),
          secretData: secretData ?? undefined,
          credentialData: credentialData ?? undefined,
        }
      })
    return { credentials }
  }

  async *check(): AsyncIterable<Check> {
    const reads = 'keycloak: database of credentials can be read'
    const onlyReads = 'keycloak: database role can only read'
    let check = reads
    try {
      await this.#query(undefined, OF_PERSON, ['00000000-0000-0000-0000-000000000000', this.#realm])
      const known = await this.#query(undefined, 'select 1 from realm where name = $1', [this.#realm])
      yield known.length === 1 ? { check, ok: true } : { check, ok: false, remedy: NO_REALM }
      check = onlyReads
      const [row] = await this.#query(undefined, WRITABLE, [])
      const canWrite = (row as { can_write?: unknown } | undefined)?.can_write !== false
      yield canWrite ? { check, ok: false, remedy: ONLY_READ } : { check, ok: true }
    } catch (error) {
      const { message, remedy } = toTorikiError(error)
      yield { check, ok: false, remedy: `${message} ${remedy}` }
    }
  }

  async close(): Promise<void> {
    await this.#pool.end()
  }

  async #query(name: string | undefined, text: string, values: readonly string[]): Promise<readonly unknown[]> {
    try {
      const { rows } = await this.#pool.query<Record<string, unknown>>({
        text,
        values: [...values],
        ...(name === undefined ? {} : { name }),
      })
      return rows
    } catch (error) {
      throw databaseFailure(error)
    }
  }
}

/** No text of the server's: it may hold names. SQLSTATE: https://www.postgresql.org/docs/current/errcodes-appendix.html */
function databaseFailure(error: unknown): TorikiError {
  const code = systemCode(error)
  if (code.startsWith('28')) return unreadable('The database of Keycloak refused our credentials.', code)
  if (code === '42501')
    return unreadable(
      'Our database role may not read what it must.',
      code,
      'Grant it SELECT on realm, user_entity and credential (and fed_user_credential, with a federation).',
    )
  if (code === '42P01' || code === '3D000' || code === '42703')
    return unreadable('That is not the database of a Keycloak.', code)
  return unreadable(`The database of Keycloak does not answer (${code}).`, code)
}

function unreadable(message: string, code?: string, remedy?: string): TorikiError {
  return new TorikiError('credentials-unreadable', {
    message,
    ...(code === undefined ? {} : { cause: new KeycloakAnswer(code) }),
    ...(remedy === undefined ? {} : { remedy }),
  })
}

function connectionOf(address: string, ca: string | undefined): pg.PoolConfig {
  if (!/^postgres(ql)?:\/\//.test(address) || !URL.canParse(address))
    throw unreadable(
      'The address of the database is none.',
      undefined,
      'Write it as postgres://USER:PASSWORD@HOST:5432/DATABASE.',
    )
  const url = new URL(address)
  const mode = url.searchParams.get('sslmode')
  if (mode === 'no-verify')
    throw unreadable(
      'The address of the database switches the check of certificates off.',
      undefined,
      'Use sslmode=verify-full, and components.keycloak.ca for an authority of your own.',
    )
  // The library reads `options` of the address over ours: ours keep the session from writing.
  url.searchParams.delete('options')
  if (mode === null || mode === 'disable') return { connectionString: url.href }
  for (const name of ['sslmode', 'sslrootcert', 'uselibpqcompat']) url.searchParams.delete(name)
  return { connectionString: url.href, ssl: { rejectUnauthorized: true, ...(ca === undefined ? {} : { ca }) } }
}
