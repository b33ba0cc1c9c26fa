/** Secrets back in the places that a reader took them from. */
import type { JsonObject, JsonValue } from '../../../resources/json.ts'
import type { Wanted } from '../../../resources/change.ts'

/** `body` with each secret under its dotted name. Names hold dots themselves: a word that is a member leads into it, the rest is one name. */
export async function withSecrets(body: JsonObject, secrets: Wanted['secrets']): Promise<JsonObject> {
  const filled = structuredClone(body)
  for (const [name, text] of Object.entries(secrets)) place(filled, name, await text())
  return filled
}

function place(into: JsonObject | readonly JsonValue[], name: string, text: string): void {
  const members = Object.entries(into)
    .filter(([word, below]) => name.startsWith(`${word}.`) && typeof below === 'object' && below !== null)
    .sort(([a], [b]) => b.length - a.length)
  const [found] = members
  if (found === undefined) Object.assign(into, { [name]: text })
  else place(found[1] as JsonObject | readonly JsonValue[], name.slice(found[0].length + 1), text)
}

/** Secrets that were read, as secrets that are wanted. */
export function heldSecrets(secrets: Readonly<Record<string, string>> = {}): Wanted['secrets'] {
  return Object.fromEntries(Object.entries(secrets).map(([name, text]) => [name, () => Promise.resolve(text)]))
}
