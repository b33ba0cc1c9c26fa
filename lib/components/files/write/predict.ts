/** What a wanted entry will read back as here, and what of it is lost. Pure, but for what it is told of the place. */
import { parseSegment } from '../../../resources/key.ts'
import type { JsonObject, JsonValue } from '../../../resources/json.ts'
import { asPlainTime } from './plain-time.ts'
import type { Powers } from './powers.ts'

export interface Here {
  readonly powers: Powers
  readonly isNative: boolean
  /** Does the file system have this sort of attributes? */
  readonly keepsAttribute: (name: string) => boolean
}

interface Prediction {
  readonly state: JsonObject
  readonly lost: readonly { readonly field: string; readonly reason: string }[]
}

const SET_IDS = 0o6000
const NOTHING: Prediction['lost'] = []

/** The very same `wanted` where nothing of it is otherwise here. `before`: the live entry, when it is a directory that stays. */
export function predict(wanted: JsonObject, before: JsonObject | undefined, here: Here): Prediction {
  // So are most.
  if (here.isNative && here.powers.mayGive && wanted['unreadable'] === undefined && wanted['attributes'] === undefined)
    return { state: wanted, lost: NOTHING }
  const lost: { field: string; reason: string }[] = []
  // That it could not be read then says nothing of now.
  const { unreadable, attributes, ...state } = wanted
  const others = { ...owner(state, before, here.powers, lost), ...time(state, here, lost) }
  if (unreadable === undefined && attributes === undefined && isEmpty(others)) return { state: wanted, lost }
  return {
    state: { ...state, ...others, ...attributesHere(attributes as JsonObject | undefined, here, lost) },
    lost,
  }
}

function isEmpty(object: JsonObject): boolean {
  for (const _ in object) return false
  return true
}

type Lost = { field: string; reason: string }[]

function owner(state: JsonObject, before: JsonObject | undefined, powers: Powers, lost: Lost): JsonObject {
  if (powers.mayGive) return {}
  const stays = state['type'] === 'directory' && before?.['type'] === 'directory'
  const uid = (stays ? before['uid'] : powers.uid) ?? powers.uid
  const ownGroup = (stays ? before['gid'] : powers.gid) ?? powers.gid
  const gid = powers.groups.has(Number(state['gid'])) ? Number(state['gid']) : ownGroup
  if (uid === state['uid'] && gid === state['gid']) return {}
  const reason = 'Only root, or who has CAP_CHOWN, gives files to others.'
  if (uid !== state['uid']) lost.push({ field: 'uid', reason })
  if (gid !== state['gid']) lost.push({ field: 'gid', reason })
  const mode = Number.parseInt(textOf(state['mode'], '0'), 8)
  if ((mode & SET_IDS) === 0) return { uid, gid }
  lost.push({ field: 'mode', reason: 'Set-id bits would lend the rights of another owner.' })
  return { uid, gid, mode: (mode & ~SET_IDS).toString(8).padStart(4, '0') }
}

function time(state: JsonObject, { isNative }: Here, lost: Lost): JsonObject {
  if (isNative) return {}
  const mtime = asPlainTime(BigInt(textOf(state['mtime'], '0'))).mtimeNs.toString()
  if (mtime === state['mtime']) return {}
  lost.push({ field: 'mtime', reason: 'Without koffi times are set to fractions of a microsecond.' })
  return { mtime }
}

function attributesHere(attributes: JsonObject | undefined, here: Here, lost: Lost): JsonObject {
  if (attributes === undefined) return {}
  const kept = Object.entries(attributes).filter(([written]) => {
    const isHere = here.isNative && here.keepsAttribute(parseSegment(written).toString('latin1'))
    if (!isHere)
      lost.push({
        field: `attributes.${written}`,
        reason: here.isNative ? 'This file system has no such attributes.' : 'Without koffi attributes are not set.',
      })
    return isHere
  })
  return kept.length === 0 ? {} : { attributes: Object.fromEntries(kept) }
}

function textOf(value: JsonValue | undefined, otherwise: string): string {
  return typeof value === 'string' ? value : otherwise
}
