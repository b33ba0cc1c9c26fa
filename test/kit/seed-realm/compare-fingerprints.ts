import { isDeepStrictEqual } from 'node:util'
import type { Json } from '../servers/admin-rest.ts'
import type { Fingerprint } from './fingerprint.ts'

/** One difference between two states of a realm. */
export interface Difference {
  /** As in `Fingerprint.state`: `user`, `group`, `realmRole`, … */
  readonly kind: string
  /** The natural key; several parts (a group's path, client and role) as a JSON list. */
  readonly key: string
  readonly change: 'created' | 'updated' | 'deleted'
  /** For an update: the fields that differ, sorted; empty where the value has no fields. */
  readonly fields: readonly string[]
}

/** Differences from `before` to `after`, sorted by kind and key; empty when they are the same. */
export function compareFingerprints(before: Fingerprint, after: Fingerprint): Difference[] {
  const kinds = new Set([...Object.keys(before.state), ...Object.keys(after.state)])
  return [...kinds].toSorted().flatMap((kind) => {
    const old = before.state[kind] ?? {}
    const young = after.state[kind] ?? {}
    return [...new Set([...Object.keys(old), ...Object.keys(young)])].toSorted().flatMap((key): Difference[] => {
      const [was, is] = [old[key], young[key]]
      if (isDeepStrictEqual(was, is)) return []
      if (was === undefined) return [{ kind, key, change: 'created', fields: [] }]
      if (is === undefined) return [{ kind, key, change: 'deleted', fields: [] }]
      return [{ kind, key, change: 'updated', fields: differingFields(was, is) }]
    })
  })
}

function differingFields(was: Json, is: Json): string[] {
  if (!isObject(was) || !isObject(is)) return []
  const names = new Set([...Object.keys(was), ...Object.keys(is)])
  return [...names].filter((name) => !isDeepStrictEqual(was[name], is[name])).toSorted()
}

const isObject = (value: Json): value is { [key: string]: Json } =>
  value !== null && typeof value === 'object' && !Array.isArray(value)
