/** The target's flows by alias, and which are missing. */
import { flowsSchema } from '../answers.ts'
import type { Work } from './work.ts'

/** Alias → id, as they are at this moment. */
export async function flowIds({
  client,
  signal,
}: Pick<Work, 'client' | 'signal'>): Promise<ReadonlyMap<string, string>> {
  const flows = await client.read(
    { right: 'view-realm', schema: flowsSchema, request: (admin) => admin.authenticationManagement.getFlows() },
    signal,
  )
  return new Map(flows.map(({ alias, id }) => [alias, id]))
}

/** Those of `aliases` that are neither here nor made by this plan. */
export async function missingFlows(work: Work, aliases: readonly string[]): Promise<readonly string[]> {
  if (aliases.length === 0) return []
  const known = await flowIds(work)
  return aliases.filter((alias) => !known.has(alias) && !work.expected.comes('flow', [alias]))
}
