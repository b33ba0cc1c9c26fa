/** What the person sits in front of: streams, width, whether colours and a moving line make sense. */
import { styleText } from 'node:util'
import { environment } from '../settings-environment.ts'

export interface Terminal {
  /** Results. */
  out(text: string): void
  /** Everything else: progress, remarks, errors. */
  err(text: string): void
  /** Raw bytes to stdout (`cat --content`); resolves when they were taken. */
  outBytes(bytes: Uint8Array): Promise<void>
  readonly width: number
  /** Progress may move the cursor on stderr. */
  readonly interactive: boolean
  style(style: Style, text: string): string
}

export type Style = 'bold' | 'dim' | 'red' | 'yellow' | 'green' | 'cyan'

const WIDTH_DEFAULT = 80
const WIDTH_LEAST = 40

/** The terminal of this process. Colours only where a terminal is, `NO_COLOR` is not set and `TERM` is not `dumb`. */
export function processTerminal(): Terminal {
  const { stdout, stderr } = process
  const colours =
    stdout.isTTY && stderr.isTTY && (environment('NO_COLOR') ?? '') === '' && environment('TERM') !== 'dumb'
  return {
    out: (text) => void stdout.write(text),
    err: (text) => void stderr.write(text),
    outBytes: (bytes) =>
      new Promise((resolve, reject) => stdout.write(bytes, (error) => (error ? reject(error) : resolve()))),
    get width() {
      return Math.max(
        WIDTH_LEAST,
        stdout.columns ?? stderr.columns ?? (Number(environment('COLUMNS')) || WIDTH_DEFAULT),
      )
    },
    interactive: stderr.isTTY && environment('TERM') !== 'dumb',
    style: (style, text) => (colours ? styleText(style, text, { validateStream: false }) : text),
  }
}
