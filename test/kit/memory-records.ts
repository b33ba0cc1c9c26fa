/** Records of runs in memory, as the repository's sealed records behave: create-only, listed in ascending order. Counts what is asked of it. */
import { CanonicalText, canonicalJson } from '../../lib/resources/json.ts'
import type { JsonObject } from '../../lib/resources/json.ts'
import type { SealedRecords } from '../../lib/repository/repository.ts'

export interface MemoryRecords extends SealedRecords {
  readonly values: Map<string, { readonly value: JsonObject; readonly modifiedAt: Date }>
  readonly counts: { creates: number; reads: number; lists: number }
}

export function memoryRecords(now: () => Date = () => new Date(0)): MemoryRecords {
  const values: MemoryRecords['values'] = new Map()
  const counts = { creates: 0, reads: 0, lists: 0 }
  return {
    values,
    counts,
    create: async (path, value) => {
      counts.creates++
      if (values.has(path)) return 'exists'
      const plain = value instanceof CanonicalText ? (JSON.parse(value.text) as JsonObject) : structuredClone(value)
      values.set(path, { value: plain, modifiedAt: now() })
      return 'created'
    },
    read: async (path) => {
      counts.reads++
      return structuredClone(values.get(path)?.value)
    },
    readText: async (path) => {
      counts.reads++
      const value = values.get(path)?.value
      return value && Buffer.from(canonicalJson(value), 'utf8')
    },
    delete: async (path) => void values.delete(path),
    list: async function* (prefix, options = {}) {
      counts.lists++
      const paths = [...values.keys()].filter((path) => path.startsWith(prefix) && path > (options.after ?? ''))
      for (const path of paths.sort()) yield { path, modifiedAt: values.get(path)!.modifiedAt }
    },
  }
}
