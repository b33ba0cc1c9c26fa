/** Protocol mappers of a client or client scope, brought one by one to what is wanted. */
import * as z from 'zod'
import type { JsonObject } from '../../../resources/json.ts'
import { isSame } from './between.ts'
import { sendWell } from './send.ts'
import type { Lost, Work } from './work.ts'

const membersSchema = z.record(z.string(), z.looseObject({ protocolMapper: z.string().optional() }))
const modelsSchema = z.array(z.looseObject({ id: z.string().min(1).max(255), name: z.string() }))

/** Those that the target has the code for; the others are lost. */
export async function knownMappers(
  { target, signal }: Work,
  mappers: unknown,
): Promise<{ readonly mappers: JsonObject; readonly lost: readonly Lost[] }> {
  const installed = await target.parts(signal, 'protocol-mapper')
  const lost: Lost[] = []
  const known: [string, JsonObject][] = []
  for (const [name, mapper] of Object.entries(membersSchema.parse(mappers ?? {}))) {
    const { protocolMapper = '' } = mapper
    if (installed === undefined || installed.has(protocolMapper)) known.push([name, mapper as JsonObject])
    else
      lost.push({
        field: `mappers.${name}`,
        reason: `This server does not have the protocol mapper ${protocolMapper}.`,
      })
  }
  return { mappers: Object.fromEntries(known), lost }
}

/** As a body of a create. */
export function mapperBodies(mappers: JsonObject): readonly JsonObject[] {
  return Object.entries(mappers).map(([name, mapper]) => ({ name, ...(mapper as JsonObject) }))
}

/** `live` and `wanted`: by name. Those wanted with their secrets. */
export async function writeMappers(
  { client, signal }: Work,
  of: 'clients' | 'client-scopes',
  id: string,
  live: JsonObject,
  wanted: JsonObject,
): Promise<void> {
  const differing = [...new Set([...Object.keys(live), ...Object.keys(wanted)])].filter(
    (name) => !isSame(live[name], wanted[name]),
  )
  if (differing.length === 0) return
  const models = await client.read(
    {
      right: 'view-clients',
      schema: modelsSchema,
      request: (admin) =>
        of === 'clients' ? admin.clients.listProtocolMappers({ id }) : admin.clientScopes.listProtocolMappers({ id }),
    },
    signal,
  )
  const ids = new Map(models.map((model) => [model.name, model.id]))
  const place = [of, id, 'protocol-mappers', 'models']
  const right = 'manage-clients'
  for (const name of differing) {
    const known = ids.get(name)
    const mapper = wanted[name]
    if (mapper === undefined) {
      if (known !== undefined) await sendWell(client, { method: 'DELETE', path: [...place, known], right }, signal)
    } else if (known === undefined) {
      const [body] = mapperBodies({ [name]: mapper })
      await sendWell(client, { method: 'POST', path: place, body, right, once: true }, signal)
    } else {
      const body = { id: known, name, ...(mapper as JsonObject) }
      await sendWell(client, { method: 'PUT', path: [...place, known], body, right }, signal)
    }
  }
}
