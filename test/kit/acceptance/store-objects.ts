/** What lies in a folder store, told apart by its place in the layout (docs/format.md): how a test sees what a command wrote. */
import { readdirSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'

/** Key → size in bytes. */
export type StoreObjects = ReadonlyMap<string, number>

export function storeObjects(store: string): StoreObjects {
  const found = new Map<string, number>()
  for (const entry of readdirSync(store, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    found.set(relative(store, path), statSync(path).size)
  }
  return found
}

/** Objects that are in `after` alone, counted by place: `slices/packs`, `runs/events`, … */
export function writtenSince(before: StoreObjects, after: StoreObjects): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const key of after.keys()) {
    if (before.has(key)) continue
    const [room = '', , sort = ''] = key.split('/')
    const place = room === 'slices' || room === 'runs' ? `${room}/${sort}` : room
    counts[place] = (counts[place] ?? 0) + 1
  }
  return counts
}
