/**
 * References in the settings: `${env:NAME}`, `${file:PATH}`, and for what the cloud keeps `${aws-sm:SECRET#KEY}`, `${aws-ssm:NAME}`. What they resolve to is never
 * printed. Nobody is asked here: what the cloud keeps is handed in.
 */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { TorikiError } from './errors.ts'

const REFERENCE = /^\$\{(env|file|aws-sm|aws-ssm):([^}]+)\}$/
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
  /** Gives what the cloud keeps. @throws TorikiError `reference-unresolved`. */
  readonly cloud: (reference: CloudReference) => string
}

/** A secret of Secrets Manager, or a parameter of Parameter Store. */
export interface CloudReference {
  readonly service: 'aws-sm' | 'aws-ssm'
  /** Its name, or its ARN. */
  readonly name: string
  /** Of a secret that is a JSON object: the member that is meant. */
  readonly key?: string
  /** That of the ARN; a plain name is looked for in the region that the machine is set to. */
  readonly region?: string
}

const ARN = /^arn:[a-z-]+:(?:secretsmanager|ssm):([a-z0-9-]+):/

export function cloudReferenceOf(text: string): CloudReference | undefined {
  const [, scheme, named = ''] = REFERENCE.exec(text) ?? []
  if (scheme !== 'aws-sm' && scheme !== 'aws-ssm') return undefined
  const hash = scheme === 'aws-sm' ? named.indexOf('#') : -1
  const name = hash < 0 ? named : named.slice(0, hash)
  const region = ARN.exec(name)?.[1]
  return {
    service: scheme,
    name,
    ...(hash < 0 ? {} : { key: named.slice(hash + 1) }),
    ...(region === undefined ? {} : { region }),
  }
}

/** The part of a kept text that a reference means. @throws TorikiError `reference-unresolved`. */
export function meantBy({ name, key }: CloudReference, kept: string, place: string): string {
  if (key === undefined) return kept
  const value = memberOf(kept, key)
  if (value !== undefined && value !== '') return value
  throw new TorikiError('reference-unresolved', {
    message: `${place}: the secret ${name} is no JSON object with a text ${key}.`,
    remedy: `Put {"${key}": "…"} there, or leave out #${key} to take it whole.`,
  })
}

function memberOf(kept: string, key: string): string | undefined {
  let value: unknown
  try {
    value = JSON.parse(kept)
  } catch {
    return undefined // the caller says what would be right; the parser's own words would show a part of the secret
  }
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
  const member = (value as Record<string, unknown>)[key]
  return typeof member === 'string' ? member : undefined
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
  const kept = cloudReferenceOf(text)
  if (kept !== undefined) return context.cloud(kept)
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
