/** Makes a flow whole under a name of its own, which nothing uses; and changes one step by step that is made of the same steps. */
import type { JsonObject } from '../../../resources/json.ts'
import { MASK } from '../secret-fields.ts'
import { isSame } from './between.ts'
import { flattened, flowOf, finalName, UNFINISHED } from './flow-steps.ts'
import type { Flow, Step } from './flow-steps.ts'
import { editFlow, readConfig, readExecutions } from './flow-target.ts'
import type { Execution } from './flow-target.ts'
import { create, sendWell } from './send.ts'
import type { Work } from './work.ts'

const RIGHT = 'manage-realm'
const PLACE = 'authentication'
/** Between the places of steps, as Keycloak itself leaves room. */
const PLACE_STEP = 10

/** `named`: how flows within it and configurations are called. Its id. */
export async function buildFlow(
  work: Work,
  alias: string,
  { description, providerId, executions }: Flow,
  named: (name: string) => string,
): Promise<string> {
  const body = { alias, description, providerId, topLevel: true, builtIn: false }
  const id = await create(work.client, { method: 'POST', path: [PLACE, 'flows'], body, right: RIGHT }, work.signal)
  await addSteps(work, { alias, id }, executions, named)
  return id
}

async function addSteps(
  work: Work,
  parent: { readonly alias: string; readonly id: string },
  steps: readonly Step[],
  named: (name: string) => string,
): Promise<void> {
  const { client, signal } = work
  for (const [index, step] of steps.entries()) {
    const priority = (index + 1) * PLACE_STEP
    if (step.flow !== undefined) {
      await addFlow(work, parent, step, priority, named)
      continue
    }
    const body = {
      ...{ parentFlow: parent.id, authenticator: step.provider, authenticatorFlow: false },
      ...{ requirement: step.requirement, priority },
    }
    const id = await create(client, { method: 'POST', path: [PLACE, 'executions'], body, right: RIGHT }, signal)
    if (step.config !== undefined) await addConfig(work, id, step.config, named)
  }
}

async function addFlow(
  work: Work,
  parent: { readonly alias: string },
  { flow = '', provider, description, requirement, executions = [] }: Step,
  priority: number,
  named: (name: string) => string,
): Promise<void> {
  const { client, signal } = work
  const alias = named(flow)
  const type = provider === undefined ? 'basic-flow' : 'form-flow'
  const body = { alias, type, description: description ?? '', provider: provider ?? '', priority }
  const path = [PLACE, 'flows', parent.alias, 'executions', 'flow']
  const id = await create(client, { method: 'POST', path, body, right: RIGHT }, signal)
  if (description === null || description === undefined) await editFlow(work, id, { description: null })
  const execution = (await readExecutions(work, parent.alias)).find(({ flowId }) => flowId === id)
  if (execution !== undefined && execution.requirement !== requirement)
    await putExecution(work, parent.alias, { ...execution, requirement })
  await addSteps(work, { alias, id }, executions, named)
}

async function addConfig(
  { client, signal }: Work,
  execution: string,
  { alias, values }: NonNullable<Step['config']>,
  named: (name: string) => string,
): Promise<void> {
  const body = { alias: named(alias ?? ''), config: values }
  const path = [PLACE, 'executions', execution, 'config']
  await sendWell(client, { method: 'POST', path, body, right: RIGHT, once: true }, signal)
}

async function putExecution({ client, signal }: Work, flow: string, body: Execution): Promise<void> {
  const path = [PLACE, 'flows', flow, 'executions']
  await sendWell(client, { method: 'PUT', path, body, right: RIGHT }, signal)
}

/** Gives what is in a flow the names that it keeps. Done again it does what is left. */
export async function finishNames(work: Work, alias: string): Promise<void> {
  const { client, signal } = work
  for (const { flowId, displayName, authenticationConfig: config } of await readExecutions(work, alias)) {
    if (typeof flowId === 'string' && displayName?.startsWith(UNFINISHED) === true)
      await editFlow(work, flowId, { alias: finalName(displayName) })
    if (typeof config !== 'string') continue
    const has = await readConfig(work, config)
    if (has.alias?.startsWith(UNFINISHED) !== true) continue
    // With its masks, which keep what they hide.
    const body = { ...has, id: config, alias: finalName(has.alias) }
    await sendWell(client, { method: 'PUT', path: [PLACE, 'config', config], body, right: RIGHT }, signal)
  }
}

/** From the strictest on, so that nothing in between lets in whom neither the old flow nor the new one would. */
const STRICTNESS: readonly string[] = ['REQUIRED', 'CONDITIONAL', 'ALTERNATIVE', 'DISABLED']

/** Both are made of the same steps. `wanted`: with its secrets. */
export async function editSteps(
  work: Work,
  flow: { readonly alias: string; readonly id: string },
  live: JsonObject,
  wanted: JsonObject,
): Promise<void> {
  const [from, to] = [flowOf(live), flowOf(wanted)]
  if (from.description !== to.description) await editFlow(work, flow.id, { description: to.description })
  const executions = await readExecutions(work, flow.alias)
  const has = flattened(from.executions)
  const steps = flattened(to.executions).map((step, at) => ({ step, was: has[at], execution: executions[at] }))
  steps.sort((a, b) => STRICTNESS.indexOf(a.step.requirement) - STRICTNESS.indexOf(b.step.requirement))
  for (const { step, was, execution } of steps) {
    if (execution === undefined) continue
    await editConfig(work, execution, was, step)
    const described = step.flow !== undefined && was?.description !== step.description
    if (was?.requirement !== step.requirement || described) {
      const description = described ? { description: step.description ?? '' } : {}
      await putExecution(work, flow.alias, { ...execution, ...description, requirement: step.requirement })
    }
  }
}

async function editConfig(
  work: Work,
  { id, authenticationConfig: config }: Execution,
  was: Step | undefined,
  step: Step,
): Promise<void> {
  const { client, signal } = work
  const has = typeof config === 'string' ? config : undefined
  if (step.config === undefined) {
    if (has === undefined || was?.config === undefined) return
    await sendWell(client, { method: 'DELETE', path: [PLACE, 'config', has], right: RIGHT }, signal)
    return
  }
  if (has === undefined) {
    await addConfig(work, id, step.config, (name) => name)
    return
  }
  const live = await readConfig(work, has)
  const masks = Object.fromEntries(Object.entries(live.config ?? {}).filter(([, value]) => value === MASK))
  const values = { ...masks, ...step.config.values }
  if (live.alias === step.config.alias && isSame((live.config ?? {}) as JsonObject, values as JsonObject)) return
  const body = { id: has, alias: step.config.alias, config: values }
  await sendWell(client, { method: 'PUT', path: [PLACE, 'config', has], body, right: RIGHT }, signal)
}
