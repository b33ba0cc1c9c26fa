/** References in the settings: `${env:NAME}`, `${file:PATH}`, `${aws-sm:SECRET#KEY}`. What they resolve to is never printed. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { TorikiError } from './errors.ts'

const REFERENCE = /^\$\{(env|file|aws-sm):([^}]+)\}$/
/** A secret file larger than this is not a secret. */
const SECRET_BYTES_MAX = 64 * 1024

export function isReference(text: string): boolean {
  return REFERENCE.test(text)
}

export interface ReferenceContext {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Where relative file references begin. */
  readonly folder: string
  /** `FILE:LINE: KEY`, for messages. */
  readonly place: string
}

/**
 * The value of a whole-text reference; a text that is none is itself. A file's one trailing newline is cut.
 * @throws TorikiError `reference-unresolved`.
 */
export function resolveReference(text: string, context: ReferenceContext): string {
  const [, scheme, name = ''] = REFERENCE.exec(text) ?? []
  if (scheme === undefined) return text
  if (scheme === 'env') {
    const value = context.env[name]
    if (value === undefined || value === '') {
      throw new TorikiError('reference-unresolved', {
        message: `${context.place}: the environment has no ${name}.`,
        remedy: `Set ${name}, or name a file with \${file:PATH}.`,
      })
    }
    return value
  }
  if (scheme === 'file') {
    const path = resolve(context.folder, name)
    try {
      const bytes = readFileSync(path)
      if (bytes.length === 0 || bytes.length > SECRET_BYTES_MAX) throw new RangeError('empty, or too long for a secret')
      return bytes.toString('utf8').replace(/\r?\n$/, '')
    } catch (cause) {
      throw new TorikiError('reference-unresolved', {
        message: `${context.place}: the file ${path} cannot be read, or is empty.`,
        remedy: 'Put the secret there, readable for this user only.',
        cause,
      })
    }
  }
  throw new TorikiError('reference-unresolved', {
    message: `${context.place}: Secrets Manager cannot be asked from here.`,
    remedy: 'Use ${env:NAME} or ${file:PATH} on one machine.',
  })
}
