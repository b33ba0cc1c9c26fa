/**
 * The file of `--map`: what is called otherwise where it is restored to.
 *
 *     users: { ann: anna }
 *     groups: { /users/lab: /teams/lab }
 *     uids: { 1000: 2000 }
 *     gids: { 100: 500 }
 */
import { readFileSync } from 'node:fs'
import { LineCounter, parseDocument } from 'yaml'
import * as z from 'zod'
import { TorikiError } from '../../errors.ts'
import type { Mapping } from '../../restore/mapping.ts'

const BYTES_MAX = 16 * 1024 * 1024

const names = (what: string, example: string): z.ZodOptional<z.ZodRecord<z.ZodString, z.ZodString>> =>
  z.record(z.string(), z.string(`must be ${what}`), `must be a map such as ${example}`).optional()
const numbers = z
  .record(z.string(), z.number('must be a number'), 'must be a map of numeric owners such as { 1000: 2000 }')
  .optional()
const schema = z.strictObject(
  {
    users: names('a username', '{ ann: anna }'),
    groups: names('a path such as /users/lab', '{ /users/lab: /teams/lab }'),
    uids: numbers,
    gids: numbers,
  },
  'must be a map with users, groups, uids or gids',
)

/** @throws TorikiError `usage` that names file, line and key. */
export function readMapping(file: string): Mapping {
  const lines = new LineCounter()
  const yaml = parseDocument(readText(file), { lineCounter: lines, prettyErrors: false, uniqueKeys: true })
  const syntax = yaml.errors[0]
  if (syntax !== undefined)
    throw usage(`${file}:${lines.linePos(syntax.pos[0]).line}: this is not YAML: ${syntax.message.split('\n')[0]}`)
  const parsed = schema.safeParse(yaml.toJS({ maxAliasCount: 20 }) ?? {})
  if (parsed.success) {
    const { users, groups, uids, gids } = parsed.data
    return {
      ...(users && { users }),
      ...(groups && { groups }),
      ...(uids && { uids }),
      ...(gids && { gids }),
    }
  }
  const [issue] = parsed.error.issues
  const extra = issue?.code === 'unrecognized_keys' ? issue.keys[0] : undefined
  const path = [...(issue?.path ?? []).map(String), ...(extra === undefined ? [] : [extra])]
  const what = extra === undefined ? (issue?.message ?? 'is wrong') : 'there is no such map'
  throw usage(`${file}: ${path.length === 0 ? 'the file' : path.join('.')}: ${what}`)
}

function readText(file: string): string {
  try {
    const text = readFileSync(file, 'utf8')
    if (text.length <= BYTES_MAX) return text
  } catch (cause) {
    throw new TorikiError('usage', { message: `The file ${file} (--map) cannot be read.`, cause })
  }
  throw usage(`The file ${file} (--map) is longer than 16 MiB.`)
}

function usage(message: string): TorikiError {
  return new TorikiError('usage', {
    message,
    remedy: 'Write it as docs/restore.md shows: users, groups, uids and gids, each a map.',
  })
}
