/**
 * The stand-in's authentication flows: answered and written, with the sharp edges of the real one. A step is made switched off unless its maker says otherwise; names
 * of flows are unique, those within others too; a flow in use is not removed, and says so by an error of the server's own.
 */
import { MASK, Refusal, missing, need } from '../asking.ts'
import type { Asking } from '../asking.ts'
import { fixedId } from '../fixed-id.ts'
import type { DemoRealm } from '../realm.ts'
import { bad, bodyOf, broken, conflict } from '../writing.ts'
import type { Writing, Written } from '../writing.ts'
import type { DemoConfig, DemoFlow, DemoFlows, DemoStep } from './flow-store.ts'

export function listFlows(asking: Asking): readonly object[] {
  need(asking, 'view-realm')
  return [...asking.realm.parts.flows.flows.values()].filter(({ topLevel }) => topLevel).map(describe)
}

export function oneFlow(asking: Asking, id: string): object {
  need(asking, 'view-realm')
  return describe(flowOf(asking, id))
}

function describe({ steps: _steps, description, ...flow }: DemoFlow): object {
  return { ...flow, ...(description === null ? {} : { description }) }
}

function flowOf({ realm }: Asking, id: string): DemoFlow {
  const flow = realm.parts.flows.flows.get(id)
  if (flow === undefined) throw missing('Could not find flow with id')
  return flow
}

function flowNamed({ realm }: Asking, alias: string): DemoFlow {
  const flow = realm.parts.flows.named(alias)
  if (flow === undefined) throw missing('Flow not found')
  return flow
}

export function executionsOf(asking: Asking, alias: string): readonly object[] {
  need(asking, 'view-realm')
  return describeSteps(asking, flowNamed(asking, alias), 0)
}

function describeSteps(asking: Asking, flow: DemoFlow, level: number): readonly object[] {
  const { flows, configs } = asking.realm.parts.flows
  const sorted = flow.steps
    .map((step, at) => ({ step, at }))
    .sort((a, b) => a.step.priority - b.step.priority || a.at - b.at)
  return sorted.flatMap(({ step: { id, requirement, priority, provider, flow: inner, config } }, index) => {
    const below = inner === undefined ? undefined : flows.get(inner)
    const described = {
      ...{ id, requirement, displayName: below?.alias ?? provider, requirementChoices: ['REQUIRED', 'DISABLED'] },
      ...{ configurable: config !== undefined, level, index },
      ...(asking.quirks.stepPriorities ? { priority } : {}),
      ...(provider === undefined ? {} : { providerId: provider }),
      ...(below === undefined
        ? {}
        : { authenticationFlow: true, flowId: below.id, description: below.description ?? undefined }),
      ...(config === undefined ? {} : { alias: configs.get(config)?.alias, authenticationConfig: config }),
    }
    return [described, ...(below === undefined ? [] : describeSteps(asking, below, level + 1))]
  })
}

export function configOf(asking: Asking, id: string): object {
  need(asking, 'view-realm')
  const { config, ...rest } = configNamed(asking, id)
  const shown = Object.entries(config).map(([name, value]) => [name, isHidden(asking, name) ? MASK : value] as const)
  return { ...rest, config: Object.fromEntries(shown) }
}

function configNamed({ realm }: Asking, id: string): DemoConfig {
  const config = realm.parts.flows.configs.get(id)
  if (config === undefined) throw missing('Could not find authenticator config')
  return config
}

function isHidden({ quirks }: Asking, name: string): boolean {
  return quirks.flowSecretsMasked && /secret|password|key/i.test(name)
}

const FLOW_MEMBERS: ReadonlySet<string> = new Set([
  ...['id', 'alias', 'description', 'providerId', 'topLevel', 'builtIn', 'authenticationExecutions'],
])

export function createFlow(writing: Writing): Written {
  need(writing, 'manage-realm')
  const body = bodyOf(writing, FLOW_MEMBERS)
  const alias = newAlias(writing, body['alias'])
  const id = newId(writing.realm)
  writing.realm.parts.flows.flows.set(id, {
    ...{ id, alias, description: textOf(body['description']) ?? '', providerId: String(body['providerId']) },
    ...{ topLevel: body['topLevel'] === true, builtIn: body['builtIn'] === true, steps: [] },
  })
  return { created: id }
}

/** Another's name is refused; one of Keycloak's own is changed like any other. */
export function updateFlow(writing: Writing, id: string): Written {
  need(writing, 'manage-realm')
  const flow = flowOf(writing, id)
  const body = bodyOf(writing, FLOW_MEMBERS)
  const alias = body['alias'] === flow.alias ? flow.alias : newAlias(writing, body['alias'])
  if (alias !== flow.alias) followName(writing.realm, flow.alias, alias)
  Object.assign(flow, { alias, description: textOf(body['description']) ?? null })
  return { answer: describe(flow) }
}

/** Whoever uses a flow knows it by its id. */
function followName({ settings, clients, parts }: DemoRealm, from: string, to: string): void {
  for (const [name, value] of Object.entries(settings)) if (name.endsWith('Flow') && value === from) settings[name] = to
  for (const client of clients.values()) if (client.browserFlow === from) client.browserFlow = to
  for (const { body } of parts.providers.values())
    for (const use of ['firstBrokerLoginFlowAlias', 'postBrokerLoginFlowAlias'] as const)
      if (body[use] === from) (body as Record<string, unknown>)[use] = to
}

export function deleteFlow(writing: Writing, id: string): Written {
  need(writing, 'manage-realm')
  const flow = flowOf(writing, id)
  if (flow.builtIn) throw bad("Can't delete built in flow")
  const { settings, clients, parts } = writing.realm
  const isUsed =
    Object.values(settings).includes(flow.alias) ||
    [...clients.values()].some(({ browserFlow }) => browserFlow === flow.alias) ||
    [...parts.providers.values()].some(({ body }) => Object.values(body).includes(flow.alias))
  if (isUsed) throw broken()
  removeFlow(writing.realm, flow)
}

function removeFlow({ parts }: DemoRealm, flow: DemoFlow): void {
  for (const step of flow.steps) removeStep(parts.flows, step)
  parts.flows.flows.delete(flow.id)

  function removeStep(flows: DemoFlows, { config, flow: inner }: DemoStep): void {
    if (config !== undefined) flows.configs.delete(config)
    const below = inner === undefined ? undefined : flows.flows.get(inner)
    for (const step of below?.steps ?? []) removeStep(flows, step)
    if (inner !== undefined) flows.flows.delete(inner)
  }
}

/** Older versions take no priority: a step comes last. */
export function addExecution(writing: Writing): Written {
  need(writing, 'manage-realm')
  const known = new Set(['id', 'parentFlow', 'authenticator', 'authenticatorFlow', 'requirement', 'priority'])
  const body = bodyOf(writing, known)
  const parent = flowOf(writing, String(body['parentFlow']))
  if (parent.builtIn) throw bad('It is illegal to add execution to a built in flow')
  const id = newId(writing.realm)
  const requirement = textOf(body['requirement']) ?? 'DISABLED'
  parent.steps.push({
    id,
    requirement,
    priority: placeIn(writing, parent, body['priority']),
    provider: String(body['authenticator']),
  })
  return { created: id }
}

export function addInnerFlow(writing: Writing, parentAlias: string): Written {
  need(writing, 'manage-realm')
  const parent = flowNamed(writing, parentAlias)
  if (parent.builtIn) throw bad('It is illegal to add sub-flow to a built in flow')
  const body = writing.body as Readonly<Record<string, unknown>>
  const alias = newAlias(writing, body['alias'])
  const id = newId(writing.realm)
  const provider = textOf(body['provider']) ?? ''
  writing.realm.parts.flows.flows.set(id, {
    ...{ id, alias, description: textOf(body['description']) ?? null, providerId: String(body['type']) },
    ...{ topLevel: false, builtIn: false, steps: [] },
  })
  parent.steps.push({
    ...{
      id: newId(writing.realm),
      requirement: 'DISABLED',
      priority: placeIn(writing, parent, body['priority']),
      flow: id,
    },
    ...(provider === '' ? {} : { provider }),
  })
  return { created: id }
}

function placeIn({ quirks }: Writing, { steps }: DemoFlow, priority: unknown): number {
  const last = Math.max(-1, ...steps.map((step) => step.priority))
  return quirks.stepPriorities && typeof priority === 'number' ? priority : last + 1
}

/** Requirement and place of a step; name and description of a flow within. */
export function updateExecution(writing: Writing, alias: string): Written {
  need(writing, 'manage-realm')
  flowNamed(writing, alias)
  const known = new Set([
    ...['id', 'requirement', 'displayName', 'alias', 'description', 'requirementChoices', 'configurable'],
    ...['authenticationFlow', 'providerId', 'authenticationConfig', 'flowId', 'level', 'index'],
    ...(writing.quirks.stepPriorities ? ['priority'] : []),
  ])
  const body = bodyOf(writing, known)
  const { flows } = writing.realm.parts
  const step = flows.holding(String(body['id']))?.step
  if (step === undefined) throw missing('Illegal execution')
  step.requirement = String(body['requirement'])
  if (typeof body['priority'] === 'number') step.priority = body['priority']
  const inner = step.flow === undefined ? undefined : flows.flows.get(step.flow)
  if (inner !== undefined)
    Object.assign(inner, { alias: body['displayName'], description: textOf(body['description']) ?? null })
}

export function deleteExecution(writing: Writing, id: string): Written {
  need(writing, 'manage-realm')
  const found = writing.realm.parts.flows.holding(id)
  if (found === undefined) throw missing('Illegal execution')
  writing.realm.parts.flows.configs.delete(found.step.config ?? '')
  found.flow.steps = found.flow.steps.filter((step) => step !== found.step)
}

const CONFIG_MEMBERS: ReadonlySet<string> = new Set(['id', 'alias', 'config'])

/** The newest version keeps their names unique. */
export function addConfig(writing: Writing, execution: string): Written {
  need(writing, 'manage-realm')
  const { flows } = writing.realm.parts
  const step = flows.holding(execution)?.step
  if (step === undefined) throw missing('Illegal execution')
  const body = bodyOf(writing, CONFIG_MEMBERS)
  const alias = textOf(body['alias']) ?? ''
  if (alias === '') throw bad('Alias missing')
  refuseUsedConfig(writing, alias, undefined)
  const id = newId(writing.realm)
  flows.configs.set(id, { id, alias, config: { ...(body['config'] as Record<string, string>) } })
  step.config = id
  return { created: id }
}

/** A mask keeps what it hides. */
export function updateConfig(writing: Writing, id: string): Written {
  need(writing, 'manage-realm')
  const config = configNamed(writing, id)
  const body = bodyOf(writing, CONFIG_MEMBERS)
  const alias = String(body['alias'])
  refuseUsedConfig(writing, alias, id)
  const values = Object.entries((body['config'] ?? {}) as Record<string, string>)
  config.alias = alias
  config.config = Object.fromEntries(
    values.map(([name, value]) => [name, value === MASK ? (config.config[name] ?? value) : value]),
  )
}

function refuseUsedConfig({ realm, quirks }: Writing, alias: string, id: string | undefined): void {
  const others = [...realm.parts.flows.configs.values()].filter((one) => one.id !== id)
  if (quirks.flowSecretsMasked && others.some((one) => one.alias === alias))
    throw conflict(`Authentication execution configuration ${alias} already exists`)
}

export function deleteConfig(writing: Writing, id: string): Written {
  need(writing, 'manage-realm')
  configNamed(writing, id)
  const { flows, configs } = writing.realm.parts.flows
  configs.delete(id)
  for (const { steps } of flows.values()) for (const step of steps) if (step.config === id) delete step.config
}

function newAlias({ realm }: Writing, alias: unknown): string {
  const text = textOf(alias) ?? ''
  if (text === '') throw new Refusal(409, { errorMessage: 'Failed to create flow with empty alias name' })
  if (text.includes('/')) throw bad("Character '/' not allowed.")
  if (realm.parts.flows.named(text) !== undefined) throw conflict(`Flow ${text} already exists`)
  return text
}

function newId(realm: DemoRealm): string {
  return fixedId(realm.seed, 'made', String(++realm.serial))
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
