/** Reads a slice to the end as a backup would: every resource, every byte, every note. For small homes only. */
import type { Component, ReadContext } from '../../../lib/components/component.ts'
import { systemClock } from '../../../lib/platform/clock.ts'
import { formatKey } from '../../../lib/resources/key.ts'
import type { ResourceKey } from '../../../lib/resources/key.ts'
import type { JsonObject } from '../../../lib/resources/json.ts'
import type { Note, Resource } from '../../../lib/resources/resource.ts'
import type { Slice } from '../../../lib/resources/slice.ts'

export interface ReadEntry {
  readonly key: ResourceKey
  readonly path: string
  readonly state: JsonObject
  /** Data, holes left out. `undefined`: the resource has no content. */
  readonly data?: Buffer
  /** Sum of data and holes. */
  readonly sizeBytes: number
  readonly holes: readonly { readonly at: number; readonly bytes: number }[]
}

export interface ReadSlice {
  readonly entries: ReadonlyMap<string, ReadEntry>
  readonly notes: readonly Note[]
}

export async function readSlice(
  component: Component,
  slice: Slice,
  options: Partial<ReadContext> & { readonly stopAfter?: number } = {},
): Promise<ReadSlice> {
  const notes: Note[] = []
  const entries = new Map<string, ReadEntry>()
  const context: ReadContext = {
    clock: systemClock,
    signal: new AbortController().signal,
    note: (note) => notes.push(note),
    ...options,
  }
  for await (const resource of component.read(slice, context)) {
    const entry = await readEntry(resource)
    entries.set(entry.path, entry)
    if (entries.size === options.stopAfter) break
  }
  return { entries, notes }
}

/** Note codes with the written paths they speak of, ascending. */
export function notesOf(read: ReadSlice, code: string): readonly string[] {
  return read.notes
    .filter((note) => note.code === code)
    .map((note) => (note.key === undefined ? '' : formatKey(note.key)))
    .sort()
}

async function readEntry(resource: Resource): Promise<ReadEntry> {
  const parts: Buffer[] = []
  const holes: { at: number; bytes: number }[] = []
  let sizeBytes = 0
  if (resource.content !== undefined) {
    for await (const part of resource.content.parts()) {
      if (part instanceof Uint8Array) {
        parts.push(Buffer.from(part))
        sizeBytes += part.length
      } else {
        holes.push({ at: sizeBytes, bytes: part.holeBytes })
        sizeBytes += part.holeBytes
      }
    }
  }
  const state = { ...resource.state, ...resource.content?.settle?.() }
  const common = { key: resource.key, path: formatKey(resource.key), state, sizeBytes, holes }
  return resource.content === undefined ? common : { ...common, data: Buffer.concat(parts) }
}
