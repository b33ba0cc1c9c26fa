/**
 * Index objects without the tables of packs that go: first the new ones, the last of which supersedes all that it replaces, so that a reader at any moment finds every
 * table that it needs; then the old ones are deleted. Cut off anywhere and done again it ends the same.
 */
import { isTorikiError } from '../errors.ts'
import { OBJECT_BYTES_MAX } from '../limits.ts'
import { listAll } from '../platform/object-store/port.ts'
import { INDEX_BYTES } from './format.ts'
import { openIndex, sealIndex } from './index-object.ts'
import { indexPath, indexPrefix } from './object-paths.ts'
import { readPackTableHead } from './pack-table.ts'
import type { SliceContext } from './slice-context.ts'

export interface IndexRewrite {
  /** Index objects that go, superseded ones included. */
  readonly old: readonly string[]
  readonly deletedBytes: number
}

/**
 * `goes`: is this pack to be in no index any more? Index objects that nothing concerns stay as they are. Without `apply` nothing is written.
 * @throws TorikiError `seal-broken`, `format-newer`, what the store throws.
 */
export async function rewriteIndex(
  context: SliceContext,
  goes: (packId: string) => boolean,
  { apply }: { readonly apply: boolean },
): Promise<IndexRewrite> {
  const { store } = context.platform
  const { sliceId } = context
  const prefix = indexPrefix(sliceId)
  const sizes = new Map<string, number>()
  for await (const { key, sizeBytes } of listAll(store, prefix)) sizes.set(key.slice(prefix.length), sizeBytes)
  const superseded = new Set<string>()
  const concerned: { readonly name: string; readonly tables: readonly Buffer[] }[] = []
  for (const name of sizes.keys()) {
    const content = await readIndex(context, name)
    if (content === undefined) continue
    for (const one of content.supersedes) superseded.add(one)
    if (content.tables.some((table) => goes(readPackTableHead(table).packId)))
      concerned.push({ name, tables: content.tables.filter((table) => !goes(readPackTableHead(table).packId)) })
  }
  const replaced = concerned.filter(({ name }) => !superseded.has(name))
  const old = [...new Set([...replaced.map(({ name }) => name), ...[...superseded].filter((name) => sizes.has(name))])]
  const deletedBytes = old.reduce((sum, name) => sum + (sizes.get(name) ?? 0), 0)
  if (!apply || old.length === 0) return { old, deletedBytes }
  const seen = new Set<string>()
  const tables = replaced.flatMap((one) => one.tables).filter((table) => isFirst(seen, table))
  await writeIndexes(
    context,
    tables,
    replaced.map(({ name }) => name),
  )
  for (const name of old) await store.delete(indexPath(sliceId, name))
  return { old, deletedBytes }
}

/** None where there is no table. The last one supersedes. */
export async function writeIndexes(
  { platform: { store, random }, sliceId, keys }: SliceContext,
  tables: readonly Buffer[],
  supersedes: readonly string[],
): Promise<void> {
  const groups = inGroups(tables)
  for (const [at, group] of groups.entries()) {
    const content = { supersedes: at === groups.length - 1 ? supersedes : [], tables: group }
    const { path, bytes } = sealIndex({ sliceId, treeKey: keys.treeKey, random }, content)
    await store.create(path, bytes)
  }
}

/** `undefined` when a prune took it since it was listed. @throws TorikiError `seal-broken`, `format-newer`. */
export async function readIndex(
  context: SliceContext,
  name: string,
): Promise<ReturnType<typeof openIndex> | undefined> {
  const path = indexPath(context.sliceId, name)
  try {
    return openIndex(context.keys.treeKey, path, await context.platform.store.get(path, { bytesMax: OBJECT_BYTES_MAX }))
  } catch (error) {
    if (isTorikiError(error, 'object-not-found')) return undefined
    throw error
  }
}

function isFirst(seen: Set<string>, table: Buffer): boolean {
  const { packId } = readPackTableHead(table)
  if (seen.has(packId)) return false
  seen.add(packId)
  return true
}

/** None where nothing is left: nobody needs what the old ones say. */
function inGroups(tables: readonly Buffer[]): readonly (readonly Buffer[])[] {
  const groups: Buffer[][] = []
  let bytes = 0
  for (const table of tables) {
    if (groups.length === 0 || bytes + table.length > INDEX_BYTES) {
      groups.push([])
      bytes = 0
    }
    groups.at(-1)?.push(table)
    bytes += table.length
  }
  return groups
}
