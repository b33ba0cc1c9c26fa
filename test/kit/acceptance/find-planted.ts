/** Looks for planted values in every byte of what a program left behind, in clear and in the disguises that are none: base64, base64url, hex, percent-encoded, JSON. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Found {
  readonly where: string
  readonly planted: string
}

/** In one text or one object. */
export function findIn(where: string, bytes: Uint8Array | string, planted: readonly string[]): readonly Found[] {
  const haystack =
    typeof bytes === 'string' ? Buffer.from(bytes) : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return planted
    .filter((value) => disguises(value).some((one) => haystack.includes(one)))
    .map((value) => ({ where, planted: value }))
}

/** In the names and the bytes of everything below a folder. */
export function findBelow(folder: string, planted: readonly string[]): readonly Found[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).flatMap((entry) => {
    const path = join(entry.parentPath, entry.name)
    return [
      ...findIn(`the name ${path}`, path, planted),
      ...(entry.isFile() ? findIn(path, readFileSync(path), planted) : []),
    ]
  })
}

const known = new Map<string, readonly Buffer[]>()

function disguises(value: string): readonly Buffer[] {
  let all = known.get(value)
  if (all === undefined) {
    const bytes = Buffer.from(value)
    const texts = new Set([value, JSON.stringify(value).slice(1, -1), encodeURIComponent(value), bytes.toString('hex')])
    // Base64 looks different at each of three offsets; what is sure whatever stands before and after is the middle.
    for (const offset of [0, 1, 2]) {
      const padded = Buffer.concat([Buffer.alloc(offset), bytes])
      for (const form of ['base64', 'base64url'] as const)
        texts.add(
          padded
            .toString(form)
            .replace(/=+$/, '')
            .slice(offset === 0 ? 0 : 4, -4),
        )
    }
    all = [...texts].filter((text) => text.length >= 6).map((text) => Buffer.from(text))
    known.set(value, all)
  }
  return all
}
