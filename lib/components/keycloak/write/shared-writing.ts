/**
 * The course that most kinds of shared state take: what will be there is reckoned first, by forecast and writing alike; a create makes the least that shows under the name
 * and goes on as an update; an update writes what differs; what refers to something that a later change makes is left to `complete`. Done again it does what is left.
 */
import type { Change, Wanted } from '../../../resources/change.ts'
import type { JsonObject } from '../../../resources/json.ts'
import { encodeKey } from '../../../resources/key.ts'
import type { Resource } from '../../../resources/resource.ts'
import type { Applied, Forecast } from '../../writer.ts'
import { isSame, strangeMembers } from './between.ts'
import { keepInstallers } from './installer-part.ts'
import { INSTALLER_LEFT, installerPart } from './installer.ts'
import { mayGive } from './may-give.ts'
import { grantsPrivilege } from './privilege.ts'
import type { Granted } from './privilege.ts'
import { missingReason, missingReferences } from './references.ts'
import type { References } from './references.ts'
import { notTaken } from './send.ts'
import { cannot, NEEDS_PRIVILEGED, rightReason, will } from './work.ts'
import type { KindWriter, Lost, Work } from './work.ts'

export interface Fitted {
  /** As it will read back. */
  readonly state: JsonObject
  readonly lost: readonly Lost[]
  readonly needsPerson?: readonly string[]
}

export interface Wish extends Change {
  readonly after: Wanted
  readonly segments: readonly string[]
}

export interface Making {
  readonly segments: readonly string[]
  /** What will be there. */
  readonly state: JsonObject
  /** Where secrets and ids come from. */
  readonly wanted: Wanted
  /** Everything of this restore is there: nothing is left to be done later. */
  readonly isLast: boolean
}

/** `pending`: something it refers to is not there yet. */
export type Written = 'whole' | 'pending'

export interface SharedWriting {
  readonly kind: string
  /** What is wanted, less what this target cannot hold. Goes by the change and by what no restore changes. */
  fit(work: Work, wish: Wish): Promise<Fitted> | Fitted
  /** What it refers to; what the live one has already is not asked about. */
  references(state: JsonObject, segments: readonly string[]): References
  /** What it gives to whoever has it. */
  grants?(state: JsonObject, segments: readonly string[]): Granted
  /** What a create that was cut off may show, at the least, in so far as `live` does. */
  half(work: Work, state: JsonObject, live: JsonObject): Promise<JsonObject> | JsonObject
  /** Why this change cannot be made, or is left. */
  refuse?(work: Work, change: Change, segments: readonly string[]): Promise<Forecast | undefined>
  /** What of `kept` a create loses here. */
  lostOfKept?(work: Work, wanted: Wanted): Promise<readonly Lost[]>
  make(work: Work, making: Making): Promise<void>
  update(work: Work, making: Making, live: Resource): Promise<Written>
  /** `undefined`: done. @returns the fields that stand in the way. */
  remove(work: Work, segments: readonly string[], live: Resource): Promise<readonly string[] | undefined>
  /** Made by making something else: until that is there, everything is left to `complete`. */
  readonly comesWithOther?: boolean
}

export function sharedWriter(writing: SharedWriting): KindWriter {
  return {
    kind: writing.kind,

    async foresee(work, change, segments) {
      const refused = await writing.refuse?.(work, change, segments)
      if (refused !== undefined) return refused
      if (change.after === undefined) return will(undefined)
      return await foreseeWanted(writing, work, { ...change, after: change.after, segments })
    },

    async apply(work, change, segments, live) {
      const { before, after } = change
      if (after === undefined) return await remove(writing, work, segments, before?.state, live)
      const { state, wanted } = await outcomeOf(writing, work, { ...change, after, segments })
      const making = { segments, state, wanted, isLast: false }
      if (live === undefined) {
        if (before !== undefined) return { kind: 'conflict', fields: [] }
        await writing.make(work, making)
        work.target.forget()
        const made = await work.read(change.key)
        if (made === undefined) {
          if (writing.comesWithOther === true) return { kind: 'applied', complete: true }
          throw notTaken('missing')
        }
        return await bring(writing, work, making, made)
      }
      const strange = strangeMembers(live.state, before?.state ?? (await writing.half(work, state, live.state)), state)
      if (strange.length > 0) return { kind: 'conflict', fields: strange }
      if (isSame(live.state, state) && (await hasSecrets(live, wanted))) return { kind: 'already', complete: false }
      return await bring(writing, work, making, live)
    },

    async complete(work, change, segments) {
      const { after } = change
      if (after === undefined) return
      const live = await work.read(encodeKey(writing.kind, segments))
      if (live === undefined) throw notTaken('missing')
      const { state, wanted } = await outcomeOf(writing, work, { ...change, after, segments })
      const written = await writing.update(work, { segments, state, wanted, isLast: true }, live)
      if (written === 'pending') throw notTaken('missing')
    },
  }
}

async function bring(writing: SharedWriting, work: Work, making: Making, live: Resource): Promise<Applied> {
  return { kind: 'applied', complete: (await writing.update(work, making, live)) === 'pending' }
}

interface Outcome extends Fitted {
  readonly wanted: Wanted
  /** Some of it is the installer's, and stays. */
  readonly left: boolean
}

/** What is wanted, less what is the installer's and what cannot be here. */
async function outcomeOf(writing: SharedWriting, work: Work, wish: Wish): Promise<Outcome> {
  const { before, after, segments } = wish
  const part = work.options.installerOwned ? undefined : installerPart(writing.kind, segments)
  if (part === undefined || before === undefined)
    return { ...(await writing.fit(work, wish)), wanted: after, left: false }
  const { state, left } = keepInstallers(part, before.state, after.state)
  const wanted = { ...after, state, secrets: {} }
  const fitted = await writing.fit(work, { ...wish, after: wanted })
  const lost = left.map((field) => ({ field, reason: INSTALLER_LEFT }))
  return { ...fitted, lost: [...fitted.lost, ...lost], wanted, left: true }
}

async function foreseeWanted(writing: SharedWriting, work: Work, wish: Wish): Promise<Forecast> {
  const { before, after, segments } = wish
  const { state, lost, needsPerson, left } = await outcomeOf(writing, work, wish)
  // What differs is the installer's alone.
  if (left && isSame(before?.state, state)) return { kind: 'left', reason: INSTALLER_LEFT }
  const missing = await missingReferences(work, writing.references(state, segments))
  if (missing.length > 0) return cannot('reference-missing', missingReason(missing))
  const grants = writing.grants?.(state, segments)
  const had = before && writing.grants?.(before.state, segments)
  if (grants !== undefined && !(await mayGive(work, had?.clientRoles, grants.clientRoles)))
    return cannot('right-missing', rightReason('realm-admin'))
  const privileged = grants !== undefined && (await grantsPrivilege(work, had, grants))
  if (privileged && !work.options.privileged) return cannot('privileged', NEEDS_PRIVILEGED)
  const keptLost =
    before === undefined ? ((await writing.lostOfKept?.(work, after)) ?? []) : lostId(before.kept, after.kept)
  return will(state, {
    keeps: keptLost.length === 0 && (before === undefined || isSame(before.kept, after.kept)),
    lost: [...lost, ...keptLost],
    ...(needsPerson === undefined ? {} : { needsPerson }),
    privileged,
  })
}

function lostId(before: JsonObject, after: JsonObject): readonly Lost[] {
  if (after['id'] === undefined || before['id'] === after['id']) return []
  return [{ field: 'id', reason: 'It was made anew since, and keeps its new id.' }]
}

async function remove(
  writing: SharedWriting,
  work: Work,
  segments: readonly string[],
  before: JsonObject | undefined,
  live: Resource | undefined,
): Promise<Applied> {
  if (live === undefined) return { kind: 'already', complete: false }
  if (before === undefined) return { kind: 'conflict', fields: [] }
  const strange = strangeMembers(live.state, await writing.half(work, before, live.state), before)
  if (strange.length > 0) return { kind: 'conflict', fields: strange }
  const inTheWay = await writing.remove(work, segments, live)
  return inTheWay === undefined ? { kind: 'applied', complete: false } : { kind: 'conflict', fields: inTheWay }
}

/** Does it have every secret that is wanted? */
async function hasSecrets(live: Resource, { secrets }: Wanted): Promise<boolean> {
  for (const [name, text] of Object.entries(secrets)) if (live.secrets?.[name] !== (await text())) return false
  return true
}
