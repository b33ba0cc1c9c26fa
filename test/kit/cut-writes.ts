/** Writes of a stand-in from the `count`th on are refused as if the process were gone: nothing is done, and nothing is tried again. */
import type { DemoRequest } from '../../lib/embedded/demo/keycloak/server.ts'

export function cutWrites(): {
  readonly intercept: (request: DemoRequest) => { readonly status: number } | undefined
  readonly at: (count: number | undefined) => void
} {
  let left: number | undefined
  return {
    intercept({ method, path }) {
      if (method === 'GET' || path.endsWith('/token') || left === undefined) return undefined
      return --left <= 0 ? { status: 403 } : undefined
    },
    at: (count) => {
      left = count
    },
  }
}
