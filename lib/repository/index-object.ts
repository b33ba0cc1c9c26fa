/**
 * Index objects: the tables of packs, gathered so that a reader learns where all chunks lie without touching a pack. Sealed under the tree key; the
 * first record says which older index objects this one replaces (docs/format.md, "Index").
 */
import * as z from 'zod'
import type { KeyObject } from 'node:crypto'
import type { Random } from '../platform/random.ts'
import { base32 } from './base32.ts'
import { parseDocument } from './sealed-json.ts'
import { indexPath } from './object-paths.ts'
import { openObject, sealObject } from './seal.ts'

const NAME_BYTES = 16
const headSchema = z.object({ supersedes: z.array(z.string().max(64)) })

export interface IndexContent {
  /** Names of index objects that no longer count. */
  readonly supersedes: readonly string[]
  /** As `readPackTable` takes them. */
  readonly tables: readonly Buffer[]
}

/** A new index object under a random name. A retry resends the same bytes under the same name. */
export function sealIndex(
  place: { readonly sliceId: string; readonly treeKey: KeyObject; readonly random: Random },
  { supersedes, tables }: IndexContent,
): { readonly name: string; readonly path: string; readonly bytes: Buffer } {
  const name = base32(place.random.bytes(NAME_BYTES))
  const path = indexPath(place.sliceId, name)
  const records = [Buffer.from(JSON.stringify({ supersedes }), 'utf8'), ...tables]
  return {
    name,
    path,
    bytes: sealObject({ parentKey: place.treeKey, kind: 'index', path, records, random: place.random }),
  }
}

/** @throws TorikiError `seal-broken`, `format-newer`. */
export function openIndex(treeKey: KeyObject, path: string, bytes: Buffer): IndexContent {
  const [head, ...tables] = openObject({ parentKey: treeKey, kind: 'index', path, bytes })
  return { supersedes: parseDocument(head, path, headSchema).supersedes, tables }
}
