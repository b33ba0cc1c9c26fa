/** Flows of the target with what a writer needs of them beside their state: ids, and who uses them. */
import * as z from 'zod'
import {
  authenticatorConfigSchema,
  clientsSchema,
  executionsSchema,
  identityProvidersSchema,
  realmSchema,
} from '../answers.ts'
import { readPages } from '../pages.ts'
import { MASK } from '../secret-fields.ts'
import { REALM_FLOWS } from './realm-flows.ts'
import { sendWell } from './send.ts'
import type { Work } from './work.ts'

const RIGHT = 'view-realm'
const executionSchema = executionsSchema.element.extend({ id: z.string(), flowId: z.string().nullish() })
export type Execution = z.infer<typeof executionSchema>
const flowSchema = z.looseObject({ id: z.string(), alias: z.string() })

/** In order, those of flows within it after the one that holds them. */
export async function readExecutions({ client, signal }: Work, flow: string): Promise<readonly Execution[]> {
  return await client.read(
    {
      right: RIGHT,
      schema: z.array(executionSchema),
      request: (admin) => admin.authenticationManagement.getExecutions({ flow }),
    },
    signal,
  )
}

export async function readConfig(
  { client, signal }: Work,
  id: string,
): Promise<z.infer<typeof authenticatorConfigSchema>> {
  return await client.read(
    {
      right: RIGHT,
      schema: authenticatorConfigSchema,
      request: (admin) => admin.authenticationManagement.getConfig({ id }),
    },
    signal,
  )
}

/** Changes a flow's own members, with the rest as it is. */
export async function editFlow(
  work: Work,
  id: string,
  change: { readonly alias?: string; readonly description?: string | null },
): Promise<void> {
  const flow = await work.client.read(
    { right: RIGHT, schema: flowSchema, request: (admin) => admin.authenticationManagement.getFlow({ flowId: id }) },
    work.signal,
  )
  const path = ['authentication', 'flows', id]
  await sendWell(work.client, { method: 'PUT', path, body: { ...flow, ...change }, right: 'manage-realm' }, work.signal)
}

/** Aliases of flows within flows, and of configurations, that flows other than `except` use: each is unique in a realm. */
export async function usedAliases(work: Work, aliases: Iterable<string>, except: string): Promise<ReadonlySet<string>> {
  const used = new Set<string>()
  for (const alias of aliases) {
    if (alias === except) continue
    used.add(alias)
    for (const execution of await readExecutions(work, alias)) {
      if (execution.authenticationFlow === true && typeof execution.displayName === 'string')
        used.add(execution.displayName)
      if (typeof execution['alias'] === 'string') used.add(execution['alias'])
    }
  }
  return used
}

/** Whoever uses the flow `old` uses `flow` afterwards: the realm, identity providers, clients. Their settings read the same before and after, since the name goes with it. */
export async function useInstead(
  work: Work,
  old: { readonly id: string; readonly alias: string },
  flow: { readonly id: string; readonly alias: string },
): Promise<void> {
  const { client, signal } = work
  const { realm: name } = client.settings
  const realm = await client.read(
    { right: RIGHT, schema: realmSchema, request: (admin) => admin.realms.findOne({ realm: name }) },
    signal,
  )
  const bound = REALM_FLOWS.filter((binding) => realm[binding] === old.alias)
  if (bound.length > 0) {
    const body = Object.fromEntries(bound.map((binding) => [binding, flow.alias]))
    await sendWell(client, { method: 'PUT', path: [], body, right: 'manage-realm' }, signal)
  }
  const providers = await readPages({
    page: (first, max) =>
      client.read(
        {
          right: 'view-identity-providers',
          schema: identityProvidersSchema,
          request: (admin) => admin.identityProviders.find({ first, max }),
        },
        signal,
      ),
    identity: ({ alias }) => alias,
  })
  for (const provider of providers) {
    const uses = ['firstBrokerLoginFlowAlias', 'postBrokerLoginFlowAlias'].filter((use) => provider[use] === old.alias)
    if (uses.length === 0) continue
    // With its masks, which keep what they hide.
    const body = { ...provider, ...Object.fromEntries(uses.map((use) => [use, flow.alias])) }
    const path = ['identity-provider', 'instances', provider.alias]
    await sendWell(client, { method: 'PUT', path, body, right: 'manage-identity-providers' }, signal)
  }
  const clients = await client.read(
    { right: 'view-clients', schema: clientsSchema, request: (admin) => admin.clients.find() },
    signal,
  )
  for (const one of clients) {
    const overrides = Object.entries(one.authenticationFlowBindingOverrides ?? {})
    if (!overrides.some(([, id]) => id === old.id)) continue
    const authenticationFlowBindingOverrides = Object.fromEntries(
      overrides.map(([use, id]) => [use, id === old.id ? flow.id : id]),
    )
    const { secret, ...rest } = one
    // A mask would become the secret; what is not named stays.
    const body = { ...rest, ...(secret === MASK ? {} : { secret }), authenticationFlowBindingOverrides }
    await sendWell(client, { method: 'PUT', path: ['clients', one.id], body, right: 'manage-clients' }, signal)
  }
}
