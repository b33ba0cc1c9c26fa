/** Seeded damage to bytes and to JSON: what chance does, and what a hostile writer would think of. */
import type { Random } from '../../../lib/platform/random.ts'

/** From 0 to `below` − 1. */
export function pick(random: Random, below: number): number {
  return Math.floor(random.fraction() * below)
}

export function oneOf<T>(random: Random, list: readonly T[]): T {
  return list[pick(random, list.length)] as T
}

/** Numbers that tip something over: in a byte, in four, as a varint. */
const EDGES = [0, 1, 2, 0x7f, 0x80, 0xff, 0x100, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 2 ** 53 - 1]

export function mutateBytes(random: Random, original: Buffer): Buffer {
  let bytes = Buffer.from(original)
  for (let rounds = 1 + pick(random, 4); rounds > 0; rounds--) {
    const at = pick(random, bytes.length + 1)
    const room = bytes.length - at
    switch (pick(random, 9)) {
      case 0:
        if (room > 0) bytes[at] = (bytes[at] as number) ^ (1 << pick(random, 8))
        break
      case 1:
        if (room > 0) bytes[at] = oneOf(random, EDGES) & 0xff
        break
      case 2:
        if (room >= 4) bytes.writeUInt32BE(oneOf(random, EDGES) % 2 ** 32, at)
        break
      case 3:
        bytes = bytes.subarray(0, at)
        break
      case 4: {
        const end = at + pick(random, Math.min(room, 64) + 1)
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(end)])
        break
      }
      case 5: {
        const piece = bytes.subarray(at, at + pick(random, Math.min(room, 256) + 1))
        bytes = Buffer.concat([bytes.subarray(0, at), piece, piece, bytes.subarray(at)])
        break
      }
      case 6:
        bytes = Buffer.concat([bytes.subarray(0, at), varint(oneOf(random, EDGES)), bytes.subarray(at)])
        break
      case 7: {
        const value = varint(oneOf(random, EDGES))
        bytes = Buffer.concat([bytes.subarray(0, at), value, bytes.subarray(at + Math.min(room, value.length))])
        break
      }
      default:
        bytes = Buffer.concat([
          bytes.subarray(0, at),
          Buffer.from(random.bytes(1 + pick(random, 16))),
          bytes.subarray(at),
        ])
    }
  }
  return bytes
}

export function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80)
  bytes.push(rest)
  return Buffer.from(bytes)
}

type Json = null | boolean | number | string | Json[] | { [name: string]: Json }

/** The text of a JSON document with some of its values replaced, moved, nested or left out; now and then not even JSON. */
export function mutateJson(random: Random, original: Buffer): Buffer {
  if (pick(random, 6) === 0) return mutateBytes(random, original)
  const document = JSON.parse(original.toString('utf8')) as Json
  for (let rounds = 1 + pick(random, 3); rounds > 0; rounds--) {
    const places = placesIn(document)
    if (places.length === 0) break
    const { holder, name } = oneOf(random, places)
    const target = holder as Record<string | number, Json>
    if (pick(random, 5) === 0) {
      if (Array.isArray(holder)) holder.splice(Number(name), 1)
      else delete target[name]
    } else
      target[name] = otherValue(
        random,
        places.map((place) => (place.holder as Record<string | number, Json>)[place.name] as Json),
      )
  }
  return Buffer.from(JSON.stringify(document), 'utf8')
}

interface Place {
  readonly holder: Json
  readonly name: string | number
}

function placesIn(value: Json): Place[] {
  const places: Place[] = []
  const walk = (holder: Json): void => {
    if (typeof holder !== 'object' || holder === null) return
    const names = Array.isArray(holder) ? holder.keys() : Object.keys(holder)
    for (const name of names) {
      places.push({ holder, name })
      walk((holder as Record<string | number, Json>)[name] as Json)
    }
  }
  walk(value)
  return places
}

function otherValue(random: Random, others: readonly Json[]): Json {
  switch (pick(random, 10)) {
    case 0:
      return null
    case 1:
      return oneOf(random, EDGES)
    case 2:
      return oneOf(random, [-1, 0.5, 1e308, -0])
    case 3:
      return oneOf(random, [
        '',
        '../..',
        '__proto__',
        'ffffffff',
        '2026-02-30T00:00:00Z',
        '\u0000',
        'a'.repeat(1 + pick(random, 100_000)),
      ])
    case 4:
      return []
    case 5:
      return {}
    case 6:
      return structuredClone(oneOf(random, others))
    case 7:
      return Array.from({ length: pick(random, 20_000) }, () => oneOf(random, ['x', 1, null]))
    case 8: {
      let nested: Json = {}
      for (let depth = pick(random, 1000); depth > 0; depth--) nested = depth % 2 === 0 ? [nested] : { nested }
      return nested
    }
    default:
      return oneOf(random, [true, false])
  }
}
