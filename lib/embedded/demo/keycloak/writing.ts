/** One write to the stand-in: who asks, for what, with which body; and what it is answered with. */
import { Refusal } from './asking.ts'
import type { Asking } from './asking.ts'

export interface Writing extends Asking {
  /** Parsed JSON, or the text as it came. */
  readonly body: unknown
  /** Did the caller say that it takes JSON? */
  readonly takesJson: boolean
  readonly nowMs: number
}

/** `created`: 201 with an address that ends with this id. */
export type Written = void | { readonly created: string } | { readonly answer: unknown }

export type Method = 'POST' | 'PUT' | 'DELETE'
export type Write = (writing: Writing, ...segments: readonly string[]) => Written

export const conflict = (errorMessage: string): Refusal => new Refusal(409, { errorMessage })
export const bad = (errorMessage: string): Refusal => new Refusal(400, { errorMessage })
export const broken = (): Refusal => new Refusal(500, { error: 'unknown_error' })

/** The body as an object whose members are all `known`. @throws Refusal 400, or `status`, as for a member that the server has never heard of. */
export function bodyOf(
  { body }: Pick<Writing, 'body'>,
  known: ReadonlySet<string>,
  status = 400,
): Readonly<Record<string, unknown>> {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new Refusal(400, { error: 'Cannot parse the JSON' })
  const strange = Object.keys(body).find((name) => !known.has(name))
  if (strange !== undefined)
    throw new Refusal(
      status,
      status === 400 ? { error: `Unrecognized field "${strange}"` } : { error: 'unknown_error' },
    )
  return body as Record<string, unknown>
}
