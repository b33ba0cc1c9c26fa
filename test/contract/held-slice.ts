/** Resources held whole, for small targets: what a contract compares. */
import type { Wanted, WantedContent } from '../../lib/resources/change.ts'
import { canonicalJson } from '../../lib/resources/json.ts'
import type { JsonObject } from '../../lib/resources/json.ts'
import { formatKey } from '../../lib/resources/key.ts'
import type { ResourceKey } from '../../lib/resources/key.ts'
import type { ContentPart, Resource } from '../../lib/resources/resource.ts'

export interface Held {
  readonly key: ResourceKey
  readonly written: string
  readonly state: JsonObject
  readonly kept: JsonObject
  readonly secrets: Readonly<Record<string, string>>
  readonly parts?: readonly ContentPart[]
}
export type HeldSlice = ReadonlyMap<string, Held>

/** `renewed`: members of `kept` that are passed over. */
export async function hold(resources: AsyncIterable<Resource>, renewed: readonly string[] = []): Promise<HeldSlice> {
  const held = new Map<string, Held>()
  for await (const { key, state, kept = {}, secrets = {}, content } of resources) {
    const parts = content === undefined ? undefined : await partsOf(content.parts())
    const settled = { ...state, ...content?.settle?.() }
    const written = formatKey(key)
    const stays = Object.fromEntries(Object.entries(kept).filter(([name]) => !renewed.includes(name)))
    held.set(written, { key, written, state: settled, kept: stays, secrets, ...(parts === undefined ? {} : { parts }) })
  }
  return held
}

export async function heldOf(key: ResourceKey, { state, kept, secrets, content }: Wanted): Promise<Held> {
  const texts = await Promise.all(Object.entries(secrets).map(async ([name, text]) => [name, await text()] as const))
  const parts = content === undefined ? undefined : await partsOf(content.parts())
  return {
    key,
    written: formatKey(key),
    state,
    kept,
    secrets: Object.fromEntries(texts),
    ...(parts === undefined ? {} : { parts }),
  }
}

async function partsOf(parts: AsyncIterable<ContentPart>): Promise<readonly ContentPart[]> {
  const held: ContentPart[] = []
  for await (const part of parts) held.push(part instanceof Uint8Array ? Buffer.from(part) : part)
  return held
}

export function wantedOf({ state, kept, secrets, parts }: Held): Wanted {
  return {
    state,
    kept,
    secrets: Object.fromEntries(Object.entries(secrets).map(([name, text]) => [name, () => Promise.resolve(text)])),
    ...(parts === undefined ? {} : { content: contentOf(parts) }),
  }
}

/** A short one as the core gives it: ready. */
function contentOf(parts: readonly ContentPart[]): WantedContent {
  const sizeBytes = lengthOf(parts)
  return { sizeBytes, parts: () => again(parts), ...(sizeBytes > SHORT_BYTES ? {} : { ready: parts }) }
}

const SHORT_BYTES = 1024 * 1024

async function* again(parts: readonly ContentPart[]): AsyncGenerator<ContentPart> {
  yield* parts
}

function lengthOf(parts: readonly ContentPart[]): number {
  return parts.reduce((sum, part) => sum + (part instanceof Uint8Array ? part.length : part.holeBytes), 0)
}

/** Holes and data as they lie, whatever the pieces in which they came. */
export function textOf({ state, kept, secrets, parts }: Held): string {
  const pieces: string[] = []
  let data = ''
  for (const part of parts ?? []) {
    if (part instanceof Uint8Array) data += Buffer.from(part).toString('base64')
    else {
      pieces.push(data, `hole of ${part.holeBytes}`)
      data = ''
    }
  }
  return [canonicalJson(state), canonicalJson(kept), canonicalJson(secrets), ...pieces, data].join(' ')
}

export function textsOf(held: HeldSlice): Readonly<Record<string, string>> {
  return Object.fromEntries([...held].map(([key, one]) => [key, textOf(one)]))
}
