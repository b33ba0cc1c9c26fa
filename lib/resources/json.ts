/**
 * Canonical JSON (RFC 8785): one text for one value, so that equal bodies have equal bytes.
 * 64-bit numbers are written as strings by whoever makes the body; here a number must be a finite double.
 */
import assert from 'node:assert/strict'

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject
export interface JsonObject {
  readonly [name: string]: JsonValue
}

/** A value that was written already: what is digested and what is stored are the same characters, and are made once. */
export class CanonicalText {
  readonly text: string

  constructor(value: JsonObject) {
    this.text = canonicalJson(value)
  }
}

/**
 * RFC 8785 text of `value`: members sorted by UTF-16 code units, no white space, ECMAScript numbers and strings.
 * @throws AssertionError for a number that is not finite, a lone surrogate, or anything that is not JSON: callers clean their input first.
 */
export function canonicalJson(value: JsonValue): string {
  if (value === null || typeof value === 'boolean') return String(value)
  if (typeof value === 'number') {
    assert(Number.isFinite(value), 'a number in a body must be finite')
    return JSON.stringify(value)
  }
  if (typeof value === 'string') return text(value, 'a string in a body must be well-formed Unicode')
  if (Array.isArray(value)) return `[${(value as readonly JsonValue[]).map(canonicalJson).join(',')}]`
  const object = value as JsonObject
  assert(typeof object === 'object', 'only JSON values stand in a body')
  // One call writes it where that comes out the same: most bodies are such.
  if (isFlatInOrder(object)) return JSON.stringify(object)
  const names = Object.keys(object)
  if (!isAscending(names)) names.sort(compareCodeUnits)
  let members = ''
  for (const name of names) {
    if (members !== '') members += ','
    members += `${text(name, 'a member name must be well-formed Unicode')}:${canonicalJson(object[name] as JsonValue)}`
  }
  return `{${members}}`
}

/** Printable ASCII but for the quotation mark and the backslash: stands for itself. */
const PLAIN = /^[ !#-[\]-~]*$/

function text(value: string, demand: string): string {
  if (PLAIN.test(value)) return `"${value}"`
  assert(value.isWellFormed(), demand)
  return JSON.stringify(value)
}

/** What was read from canonical text is, so that it need not be sorted again. */
function isAscending(names: readonly string[]): boolean {
  for (let at = 1; at < names.length; at++) if ((names[at - 1] as string) > (names[at] as string)) return false
  return true
}

/** Members in order, each plain and fit to be written. Names that are numbers come in an order of their own. */
function isFlatInOrder(object: JsonObject): boolean {
  const names = Object.keys(object)
  const isLikeLast = names.length === namesOfLast.length && names.every((name, at) => name === namesOfLast[at])
  if (!isLikeLast) {
    for (let at = 0; at < names.length; at++)
      if (!(names[at] as string).isWellFormed() || (at > 0 && (names[at] as string) <= (names[at - 1] as string)))
        return false
    namesOfLast = names
  }
  for (const name of names) {
    const value = object[name]
    if (typeof value === 'string') {
      if (!value.isWellFormed()) return false
    } else if (typeof value === 'number') {
      if (!Number.isFinite(value)) return false
    } else if (typeof value !== 'boolean' && value !== null) return false
  }
  return true
}

/** Of the last object whose names were in order: most bodies are of the same shape as the one before, and two names are the same sooner than one is behind the other. */
let namesOfLast: readonly string[] = []

function compareCodeUnits(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
