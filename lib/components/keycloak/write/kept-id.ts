/** Ids of clients and client scopes, which Keycloak keeps when it is told them with a create. */
import * as z from 'zod'
import type { JsonObject } from '../../../resources/json.ts'
import type { Right } from '../right.ts'
import { notTaken, send } from './send.ts'
import type { Lost, Work } from './work.ts'

const keptSchema = z.looseObject({ id: z.string().min(1).max(255).optional() })

export function idOf(kept: JsonObject | undefined): string | undefined {
  return keptSchema.parse(kept ?? {}).id
}

/** What a create loses where one of `holders` has the id. */
export function lostId(holders: readonly string[], id: string | undefined): readonly Lost[] {
  if (id === undefined || !holders.includes(id)) return []
  return [{ field: 'id', reason: 'Its old id belongs to something else here: it gets a new one.' }]
}

/** Without the id where that belongs to something else, in another realm, too. */
export async function createWithId(
  { client, signal }: Work,
  path: readonly string[],
  body: object,
  id: string | undefined,
  right: Right,
): Promise<void> {
  const write = { method: 'POST', path, right, once: true } as const
  let sent = await send(client, { ...write, body: { ...body, ...(id === undefined ? {} : { id }) } }, signal)
  if (sent === 'conflict' && id !== undefined) sent = await send(client, { ...write, body }, signal)
  if (sent !== 'done') throw notTaken(sent)
}
