/**
 * One write, under the same token, caps and retries as a read. What may be done twice without harm is tried again here; what may not (`once`) ends as `Undecided`
 * when the answer did not come: whoever asked reads what is there, and goes on from that.
 */
import type KeycloakAdminClient from '@keycloak/keycloak-admin-client'
import { NetworkError } from '@keycloak/keycloak-admin-client'
import * as z from 'zod'
import { isTorikiError, TorikiError } from '../../../errors.ts'
import { request } from '../../../platform/request.ts'
import type { KeycloakClient } from '../client.ts'
import type { Right } from '../right.ts'

export interface Write {
  readonly method: 'POST' | 'PUT' | 'DELETE'
  /** Behind `/admin/realms/REALM`, each segment as it is. */
  readonly path: readonly string[]
  readonly body?: unknown
  /** A text instead of JSON. */
  readonly text?: string
  readonly right: Right
  /** Makes something new each time it is heard. */
  readonly once?: boolean
  /** Told the id of what was made, where the answer names it. */
  readonly made?: (id: string) => void
}

/** `refused`: what Keycloak says to a body or a state it does not take (400, 409). */
export type Sent = 'done' | 'missing' | 'conflict' | 'refused'

/** Nobody knows whether it was heard. */
export class Undecided extends Error {
  override readonly cause: TorikiError

  constructor(cause: TorikiError) {
    super('undecided', { cause })
    this.cause = cause
  }
}

const schema = z.literal('done')

/** @throws TorikiError as reading does, `Undecided` for what is sent once. */
export async function send(client: KeycloakClient, write: Write, signal: AbortSignal): Promise<Sent> {
  const { right, once = false } = write
  try {
    const request = (admin: KeycloakAdminClient): Promise<string> => ask(admin, write)
    return (await client.find({ right, schema, request, once }, signal)) ?? 'missing'
  } catch (error) {
    if (!isTorikiError(error)) throw error
    if (error.ids['status'] === 409) return 'conflict'
    if (error.ids['status'] === 400) return 'refused'
    if (once && (error.code === 'source-failed' || error.code === 'source-unreachable')) throw new Undecided(error)
    throw error
  }
}

/** As `send`, where anything but success is an error that no further try mends. */
export async function sendWell(client: KeycloakClient, write: Write, signal: AbortSignal): Promise<void> {
  const sent = await send(client, write, signal)
  if (sent !== 'done') throw notTaken(sent)
}

/** As `sendWell`, for what the server gives an id: that id. Sent once. */
export async function create(client: KeycloakClient, write: Omit<Write, 'once'>, signal: AbortSignal): Promise<string> {
  let id: string | undefined
  const sent = await send(client, { ...write, once: true, made: (made) => (id = made) }, signal)
  if (sent !== 'done') throw notTaken(sent)
  if (id === undefined) throw notTaken('missing')
  return id
}

/** Looks again, a few times, after a write of which nobody knows. */
export async function decided<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof Undecided)) throw error
      if (tries >= UNDECIDED_TRIES_MAX) throw error.cause
    }
  }
}

const UNDECIDED_TRIES_MAX = 3

export function notTaken(sent: Exclude<Sent, 'done'>): TorikiError {
  return new TorikiError('restore-conflict', {
    message:
      sent === 'missing'
        ? 'Keycloak does not know any more what a change is about.'
        : sent === 'conflict'
          ? 'Keycloak refuses a change: something of that name or id is there already.'
          : 'Keycloak refuses a change: its own rules do not allow a value in it.',
    remedy: 'Look at the log of Keycloak for the time of the restore, mend what it names, and plan again.',
  })
}

async function ask(admin: KeycloakAdminClient, { method, path, body, text, made }: Write): Promise<'done'> {
  const place = path.map((segment) => encodeURIComponent(segment)).join('/')
  const url = `${admin.baseUrl}/admin/realms/${encodeURIComponent(admin.realmName)}${place === '' ? '' : `/${place}`}`
  const content = text ?? (body === undefined ? undefined : JSON.stringify(body))
  const response = await request(url, {
    ...admin.getRequestOptions(),
    method,
    headers: {
      authorization: `Bearer ${await admin.getAccessToken()}`,
      // 15.0.2 answers 500 without it, although it did what was asked.
      accept: 'application/json',
      ...(content === undefined ? {} : { 'content-type': text === undefined ? 'application/json' : 'text/plain' }),
    },
    ...(content === undefined ? {} : { body: content }),
  })
  // The answer's text may name people; it is read so that the connection can be used again.
  await response.arrayBuffer()
  if (!response.ok) throw new NetworkError('', { response, responseData: undefined })
  const id = response.headers.get('location')?.split('/').at(-1)
  if (id !== undefined && id !== '') made?.(decodeURIComponent(id))
  return 'done'
}
