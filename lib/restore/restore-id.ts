/** Names of restores, which are those of their plans: `20261121T020000000Z-restore-1f0c2d3e4a`. A plan is applied once, so applying it again is the same restore. */
import { createHash } from 'node:crypto'

/** `cause` is any text, such as a request's id: a repeated request finds the plan that it began. Nothing of it can be read from the id. */
export function restoreId(at: Date, cause: string): string {
  const time = at.toISOString().replace(/[-:.]/g, '')
  return `${time}-restore-${createHash('sha256').update(cause).digest('hex').slice(0, 10)}`
}
