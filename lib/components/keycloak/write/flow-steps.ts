/** The steps of a flow as `state` holds them, and what of two flows is the same. */
import * as z from 'zod'
import { canonicalJson } from '../../../resources/json.ts'
import type { JsonObject, JsonValue } from '../../../resources/json.ts'

export interface Step {
  readonly requirement: string
  /** Of an authenticator, or of a form's own flow. */
  readonly provider?: string | undefined
  /** The alias of a flow within the flow. */
  readonly flow?: string | undefined
  readonly description?: string | null | undefined
  readonly executions?: readonly Step[] | undefined
  readonly config?: { readonly alias: string | null; readonly values: JsonObject } | undefined
}
export interface Flow {
  readonly description: string | null
  readonly providerId: string | null
  readonly builtIn: boolean
  readonly executions: readonly Step[]
}

const valueSchema = z.custom<JsonValue>((value) => value !== undefined)
const stepSchema: z.ZodType<Step> = z.object({
  requirement: z.string(),
  provider: z.string().optional(),
  flow: z.string().optional(),
  description: z.string().nullable().optional(),
  get executions() {
    return z.array(stepSchema).optional()
  },
  config: z.object({ alias: z.string().nullable(), values: z.record(z.string(), valueSchema) }).optional(),
})
const flowSchema = z.object({
  description: z.string().nullable(),
  providerId: z.string().nullable(),
  builtIn: z.boolean(),
  executions: z.array(stepSchema),
})

/** @throws ZodError for what no reader of ours wrote. */
export function flowOf(state: JsonObject): Flow {
  return flowSchema.parse(state)
}

/** Before the names of a flow, and of what is in it, that is not in use yet; and of one that is not in use any more. */
export const UNFINISHED = 'toriki-unfinished '
export const REPLACED = 'toriki-replaced '

export function finalName(name: string): string {
  return name.startsWith(UNFINISHED) ? name.slice(UNFINISHED.length) : name
}

/** `state` with the names that it will have in the end. */
export function withFinalNames(state: JsonObject): JsonObject {
  const named = (value: JsonValue): JsonValue => {
    if (Array.isArray(value)) return (value as readonly JsonValue[]).map(named)
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(
      Object.entries(value).map(([name, member]) => {
        if (name === 'executions') return [name, named(member)]
        if (name === 'flow' && typeof member === 'string') return [name, finalName(member)]
        if (name !== 'config') return [name, member]
        const { alias, ...rest } = member as JsonObject
        return [name, { ...rest, alias: typeof alias === 'string' ? finalName(alias) : (alias ?? null) }]
      }),
    )
  }
  return named(state) as JsonObject
}

/** Are both made of the same steps in the same order, so that one can be made of the other step by step? */
export function isSameShape(one: Flow, other: Flow): boolean {
  const shape = ({ provider, flow, executions = [] }: Step): JsonValue => ({
    provider: provider ?? null,
    flow: flow ?? null,
    steps: executions.map(shape),
  })
  const of = ({ providerId, builtIn, executions }: Flow): string =>
    canonicalJson({ providerId, builtIn, steps: executions.map(shape) })
  return of(one) === of(other)
}

/** In the order in which the server lists them. */
export function flattened(steps: readonly Step[]): readonly Step[] {
  return steps.flatMap((step) => [step, ...flattened(step.executions ?? [])])
}

/** Steps as members by their place, so that one can be told from the next in what a call left that was cut off. */
export function byPlace(state: JsonObject): JsonObject {
  const placed = (value: JsonValue): JsonValue =>
    Array.isArray(value)
      ? Object.fromEntries(
          (value as readonly JsonObject[]).map((step, at) => [
            String(at),
            step['executions'] === undefined ? step : { ...step, executions: placed(step['executions']) },
          ]),
        )
      : value
  return { ...state, executions: placed(state['executions'] ?? []) }
}
