/** A terminal without a person: of a given width, without colours, that keeps what stderr got. */
import type { Terminal } from '../../lib/cli/terminal.ts'

export interface PlainTerminal extends Terminal {
  readonly errors: string[]
}

export function plainTerminal({ width = 80, interactive = false } = {}): PlainTerminal {
  const errors: string[] = []
  return {
    errors,
    out: () => undefined,
    err: (text) => void errors.push(text),
    outBytes: async () => undefined,
    width,
    interactive,
    style: (_style, text) => text,
  }
}
