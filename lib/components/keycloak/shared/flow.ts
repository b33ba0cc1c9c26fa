/** Authentication flows: one resource per flow of the top level, its steps nested in order, each with its configuration. */
import type { JsonObject, JsonValue } from '../../../resources/json.ts'
import { authenticatorConfigSchema, executionsSchema, flowsSchema } from '../answers.ts'
import type { ExecutionAnswer } from '../answers.ts'
import { cleanObject } from '../clean-json.ts'
import type { SharedKind, SharedReader } from './shared-kind.ts'

export const flowKind: SharedKind = {
  kind: 'flow',
  async read(reader) {
    const flows = await reader.ask({
      right: 'view-realm',
      schema: flowsSchema,
      request: (admin) => admin.authenticationManagement.getFlows(),
    })
    return Promise.all(
      flows
        .filter(({ alias }) => reader.wants([alias]))
        .map(async ({ alias, description, providerId, builtIn }) => {
          const executions = await reader.ask({
            right: 'view-realm',
            schema: executionsSchema,
            request: (admin) => admin.authenticationManagement.getExecutions({ flow: alias }),
          })
          const steps = await Promise.all(executions.map((execution) => describe(reader, execution)))
          return {
            segments: [alias],
            body: {
              description: description ?? null,
              providerId: providerId ?? null,
              builtIn: builtIn === true,
              executions: nest(executions.map(({ level }, at) => ({ level, step: steps[at] as JsonObject }))),
            },
          }
        }),
    )
  },
}

/** One step without its ids and its place: that is its place in the list. */
async function describe(reader: SharedReader, execution: ExecutionAnswer): Promise<JsonObject> {
  const { requirement, displayName, description, providerId, authenticationFlow, authenticationConfig: id } = execution
  const config =
    id === undefined || id === null
      ? undefined
      : await reader.ask({
          right: 'view-realm',
          schema: authenticatorConfigSchema,
          request: (admin) => admin.authenticationManagement.getConfig({ id }),
        })
  return {
    requirement,
    ...(providerId === undefined || providerId === null ? {} : { provider: providerId }),
    // The name of a flow is what people see; that of an authenticator is its own.
    ...(authenticationFlow === true
      ? { flow: displayName ?? '', description: description ?? null, executions: [] }
      : {}),
    ...(config === undefined
      ? {}
      : { config: { alias: config.alias ?? null, values: cleanObject(config.config ?? {}) } }),
  }
}

/** The list comes flat, in order, each step with its depth. */
function nest(entries: readonly { readonly level: number; readonly step: JsonObject }[]): readonly JsonValue[] {
  interface Node {
    readonly step: JsonObject
    readonly below: Node[]
  }
  const top: Node[] = []
  const open: Node[][] = [top]
  for (const { level, step } of entries) {
    const node: Node = { step, below: [] }
    const depth = Math.min(level, open.length - 1)
    open.length = depth + 1
    open[depth]?.push(node)
    open.push(node.below)
  }
  const written = ({ step, below }: Node): JsonObject =>
    below.length === 0 ? step : { ...step, executions: below.map(written) }
  return top.map(written)
}
