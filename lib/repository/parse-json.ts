/** Stored JSON, which may be a hostile writer's: nested no deeper than walking it can bear. */
import { JSON_DEPTH_MAX } from './format.ts'

/** @throws SyntaxError for what is not JSON, RangeError for what is nested too deep. */
export function parseJson(bytes: Buffer): unknown {
  if (depthOf(bytes) > JSON_DEPTH_MAX) throw new RangeError('stored JSON is nested too deep')
  return JSON.parse(bytes.toString('utf8')) as unknown
}

/** At least as deep as it is, and exactly so for what is JSON. */
export function depthOf(json: Uint8Array): number {
  // An opening and a closing bracket for each.
  if (json.length <= 2 * JSON_DEPTH_MAX) return 0
  let [depth, deepest] = [0, 0]
  let inText = false
  for (let at = 0; at < json.length; at++) {
    const byte = json[at]
    if (inText) {
      if (byte === 0x5c) at++
      else if (byte === 0x22) inText = false
    } else if (byte === 0x22) inText = true
    else if (byte === 0x7b || byte === 0x5b) deepest = Math.max(deepest, ++depth)
    else if (byte === 0x7d || byte === 0x5d) depth--
  }
  return deepest
}
