/**
 * Authentication flows. Nobody ever logs in through a half-made one: a flow is made whole under a name of its own and then gets its name; one whose steps change is
 * exchanged for a whole new one, which takes over from it wherever it is used; one that keeps its steps is changed step by step, the strictest first. Keycloak's own
 * flows keep their steps: only what can be set of them is set.
 */
import type { Change, Wanted } from '../../../resources/change.ts'
import { encodeKey } from '../../../resources/key.ts'
import type { JsonObject, JsonValue } from '../../../resources/json.ts'
import type { Resource } from '../../../resources/resource.ts'
import { isSame } from './between.ts'
import { buildFlow, editSteps, finishNames } from './flow-build.ts'
import { flowIds } from './flow-references.ts'
import { byPlace, flattened, flowOf, isSameShape, REPLACED, UNFINISHED, withFinalNames } from './flow-steps.ts'
import type { Flow, Step } from './flow-steps.ts'
import { editFlow, usedAliases, useInstead } from './flow-target.ts'
import { forecastOf, keepInstallersPart, openSecrets, standing, withSecrets } from './member-change.ts'
import type { Outcome } from './member-change.ts'
import { notTaken, send } from './send.ts'
import { cannot, will } from './work.ts'
import type { KindWriter, Lost, Work } from './work.ts'

const NAME_LENGTH_MAX = 255
const TASKS = ['authenticator', 'client-authenticator', 'form-action', 'form-authenticator'] as const

export const flowWriter: KindWriter = {
  kind: 'flow',

  async foresee(work, change, [alias = '']) {
    const { before, after } = change
    if (after === undefined)
      return before !== undefined && flowOf(before.state).builtIn
        ? { kind: 'left', reason: 'Keycloak’s own flows are never removed.' }
        : will(undefined)
    const outcome = outcomeOf(work, change, after, [alias])
    if (outcome === 'left') return forecastOf(outcome)
    const wanted = flowOf(outcome.state)
    const seen = before && flowOf(before.state)
    if (seen === undefined && wanted.builtIn)
      return cannot('built-in', 'It is one of Keycloak’s own flows, which this version does not have.')
    if (seen !== undefined && seen.builtIn !== flowOf(after.state).builtIn)
      return cannot('occupied', 'Keycloak itself has a flow of this name here: give that of the backup another name.')
    const unknown = await unknownProviders(work, wanted)
    if (unknown.length > 0)
      return cannot(
        'provider-missing',
        `This Keycloak has nothing that does ${unknown.join(', ')}: install what does, and plan again.`,
      )
    if (seen !== undefined && isSameShape(seen, wanted)) return forecastOf(outcome)
    const refused = await whyNotMade(work, alias, wanted)
    if (refused !== undefined) return refused
    const needed = flattened(flowOf(withSecrets(outcome.state, namesOf(after))).executions).some(lacksSecret)
    return forecastOf({ ...outcome, needsPerson: needed ? [ENTER_SECRET] : [] })
  },

  async apply(work, change, segments, found) {
    const { after } = change
    const [alias = ''] = segments
    const outcome = after && outcomeOf(work, change, after, segments)
    if (outcome === 'left') return { kind: 'already', complete: false }
    const live = await settle(work, alias, change, found)
    const now = await standing(
      placed(change),
      outcome && byPlace(outcome.state),
      live && { ...live, state: byPlace(live.state) },
    )
    if (now.kind === 'done') {
      if (now.applied.kind === 'already') await removeFlow(work, `${UNFINISHED}${alias}`)
      return now.applied
    }
    if (now.kind === 'remove') await removeFlow(work, alias)
    else if (outcome === undefined || after === undefined) throw notTaken('missing')
    else await write(work, alias, live, withSecrets(outcome.state, await openSecrets(after)))
    return { kind: 'applied', complete: false }
  },
}

const ENTER_SECRET =
  'Enter the secret of a step of this flow again: Keycloak shows it to nobody, so no backup has it. Until then nobody passes this step.'

/** Values are not looked at: that they are there. */
function namesOf({ secrets }: Wanted): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.keys(secrets).map((name) => [name, '']))
}

/** Of steps that are known to need one. */
function lacksSecret({ provider, config }: Step): boolean {
  const has = (name: string): boolean => config?.values[name] !== undefined
  if (provider === 'registration-recaptcha-action') return config !== undefined && !has('secret.key')
  return provider === 'registration-recaptcha-enterprise' && config !== undefined && !has('api.key')
}

/** Keycloak's own keep their steps, where a version has others. */
function outcomeOf(work: Work, change: Change, { state }: Wanted, segments: readonly string[]): Outcome | 'left' {
  const { before } = change
  const [seen, wanted] = [before && flowOf(before.state), flowOf(state)]
  const lost: Lost[] = []
  let draft = state
  if (seen?.builtIn === true && wanted.builtIn && before !== undefined && !isSameShape(seen, wanted)) {
    lost.push({ field: 'executions', reason: 'This version of Keycloak makes its own flow of other steps.' })
    draft = {
      ...state,
      executions: before.state['executions'] as JsonValue,
      providerId: before.state['providerId'] as JsonValue,
    }
  }
  return keepInstallersPart(work, 'flow', segments, change, { state: draft, lost, needsPerson: [] })
}

async function unknownProviders({ target, signal }: Work, { executions }: Flow): Promise<readonly string[]> {
  const known = await target.parts(signal, ...TASKS)
  if (known === undefined) return []
  const names = flattened(executions).flatMap(({ provider }) => (provider === undefined ? [] : [provider]))
  return [...new Set(names.filter((name) => !known.has(name)))].sort()
}

async function whyNotMade(work: Work, alias: string, wanted: Flow): Promise<ReturnType<typeof cannot> | undefined> {
  const steps = flattened(wanted.executions)
  const inner = steps.flatMap(({ flow, config }) => [
    ...(flow === undefined ? [] : [flow]),
    ...(config?.alias ? [config.alias] : []),
  ])
  if ([alias, ...inner].some((name) => UNFINISHED.length + name.length > NAME_LENGTH_MAX))
    return cannot('name-too-long', 'A name in it is too long for a flow that is not whole yet: give it a shorter one.')
  if ([alias, ...inner].some((name) => name.includes('/')))
    return cannot('name-refused', 'Keycloak makes no flow any more with a slash in a name: rename it at the source.')
  if (steps.some(({ config }) => config !== undefined && !config.alias))
    return cannot('name-refused', 'Keycloak makes no configuration of a step any more that has no name.')
  const used = await usedAliases(work, (await flowIds(work)).keys(), alias)
  return inner.some((name) => used.has(name))
    ? cannot('occupied', 'Another flow here has a part of a name that this one needs: rename that, and plan again.')
    : undefined
}

/** Steps by their places, for the question who changed what. */
function placed({ key, before, after }: Change): Change {
  return {
    key,
    ...(before === undefined ? {} : { before: { ...before, state: byPlace(before.state) } }),
    ...(after === undefined ? {} : { after: { ...after, state: byPlace(after.state) } }),
  }
}

/**
 * Ends or takes back an exchange that was cut off, so that the flow stands under its name, alone, with its own names in it. Gives it as it is then.
 */
async function settle(
  work: Work,
  alias: string,
  { before }: Change,
  found: Resource | undefined,
): Promise<Resource | undefined> {
  const ids = await flowIds(work)
  const [own, old] = [ids.get(alias), ids.get(`${REPLACED}${alias}`)]
  if (old !== undefined && own === undefined) {
    if (before === undefined) return undefined
    await editFlow(work, old, { alias })
  } else if (old !== undefined && own !== undefined) {
    await takeOver(work, alias, own, old)
  } else if (found === undefined || isSame(found.state, withFinalNames(found.state))) return found
  else await finishNames(work, alias)
  return await work.read(encodeKey('flow', [alias]))
}

async function takeOver(work: Work, alias: string, own: string, old: string): Promise<void> {
  await useInstead(work, { id: old, alias: `${REPLACED}${alias}` }, { id: own, alias })
  await removeFlow(work, `${REPLACED}${alias}`)
  await finishNames(work, alias)
}

/** `wanted`: with its secrets. */
async function write(work: Work, alias: string, live: Resource | undefined, wanted: JsonObject): Promise<void> {
  const unfinished = `${UNFINISHED}${alias}`
  const flow = flowOf(wanted)
  const own = (await flowIds(work)).get(alias)
  if (live !== undefined && own !== undefined && isSameShape(flowOf(live.state), flow)) {
    await editSteps(work, { alias, id: own }, live.state, wanted)
    return
  }
  await removeFlow(work, unfinished)
  if (own === undefined) {
    const made = await buildFlow(work, unfinished, flow, (name) => name)
    await editFlow(work, made, { alias, description: flow.description })
    return
  }
  const made = await buildFlow(work, unfinished, flow, (name) => `${UNFINISHED}${name}`)
  await editFlow(work, own, { alias: `${REPLACED}${alias}` })
  await editFlow(work, made, { alias, description: flow.description })
  await takeOver(work, alias, made, own)
}

async function removeFlow(work: Work, alias: string): Promise<void> {
  const id = (await flowIds(work)).get(alias)
  if (id === undefined) return
  const path = ['authentication', 'flows', id]
  const sent = await send(work.client, { method: 'DELETE', path, right: 'manage-realm' }, work.signal)
  if (sent !== 'done' && sent !== 'missing') throw notTaken(sent)
}
