/**
 * The keyring: a file with the keys that lock a deployment on one machine. The newest key wraps, older ones still unwrap. Losing it loses everything
 * that is stored; README.md has its form.
 */
import { constants } from 'node:fs'
import { chmod, link, mkdir, open, rename, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import * as z from 'zod'
import { TorikiError } from '../../errors.ts'
import type { Clock } from '../clock.ts'
import { errnoOf } from '../errno.ts'
import type { Random } from '../random.ts'
import { KEY_BYTES, KEY_ID_BYTES } from './wrapped-key.ts'
import type { WrappingKey } from './wrapped-key.ts'

/** Room for hundreds of rotations. */
const KEYRING_BYTES_MAX = 256 * 1024

const keyringSchema = z.strictObject({
  format: z.literal('toriki-keyring'),
  v: z.literal(1),
  deployment: z.string().min(1),
  keys: z
    .array(
      z.strictObject({
        id: z.string().regex(/^[0-9a-f]{32}$/),
        key: z.base64().length(44),
        createdAt: z.iso.datetime(),
      }),
    )
    .min(1),
})

export interface Keyring {
  /** Name of the deployment it was made for. */
  readonly deployment: string
  /** Oldest first; the last one wraps. */
  readonly keys: readonly (WrappingKey & { readonly createdAt: Date })[]
}

/**
 * Reads a keyring. @throws TorikiError `keyring-missing`; `keyring-invalid`: unreadable, readable for others, not a keyring, damaged.
 */
export async function readKeyring(path: string): Promise<Keyring> {
  let text: string
  try {
    const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      const stat = await handle.stat()
      if (!stat.isFile() || stat.size > KEYRING_BYTES_MAX) throw invalid(path, 'is not a keyring')
      if (process.platform !== 'win32' && (stat.mode & 0o077) !== 0) {
        throw new TorikiError('keyring-invalid', {
          message: `The keyring ${path} can be read by others than its owner.`,
          remedy: `Run \`chmod 600 ${path}\`, and ask who may have read it.`,
        })
      }
      text = await handle.readFile('utf8')
    } finally {
      await handle.close()
    }
  } catch (error) {
    if (error instanceof TorikiError) throw error
    const errno = errnoOf(error)
    if (errno === 'ENOENT' || errno === 'ENOTDIR')
      throw new TorikiError('keyring-missing', { message: `The keyring ${path} is missing.`, cause: error })
    throw new TorikiError('keyring-invalid', {
      message: `The keyring ${path} cannot be read${errno === undefined ? '' : ` (${errno})`}.`,
      remedy: 'Run as the user who owns it, or bring back a good copy.',
      cause: error,
    })
  }
  return parseKeyring(text, path)
}

/**
 * Makes a keyring with one key, for its owner only; durable when it returns. What is there stays as it is, whatever it is.
 * @throws TorikiError `keyring-invalid` when the file cannot be written.
 */
export async function createKeyring(
  path: string,
  options: { readonly deployment: string; readonly clock: Clock; readonly random: Random },
): Promise<'created' | 'exists'> {
  const { deployment, clock, random } = options
  const temporary = `${path}.${random.bytes(6).toString('hex')}.new`
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    await writeDurably(temporary, encodeKeyring({ deployment, keys: [newKey(clock, random)] }))
    try {
      await link(temporary, path)
    } finally {
      await unlink(temporary)
    }
    await syncDirectory(dirname(path))
    return 'created'
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return 'exists'
    throw cannotWrite(path, error)
  }
}

/**
 * Adds a key that wraps from now on; the older ones go on unwrapping. Durable when it returns. Services that are open go on wrapping with the key
 * they know, and learn of this one when they meet it.
 * @throws TorikiError as `readKeyring`; `keyring-invalid` when another rotation is under way.
 */
export async function rotateKeyring(
  path: string,
  options: { readonly clock: Clock; readonly random: Random },
): Promise<void> {
  const next = `${path}.new` // made exclusively: also the lock against a second rotation, which would lose a key
  let mine = false
  try {
    const handle = await open(next, 'wx', 0o600)
    mine = true
    await handle.close()
    const keyring = await readKeyring(path)
    await writeDurably(
      next,
      encodeKeyring({ ...keyring, keys: [...keyring.keys, newKey(options.clock, options.random)] }),
      'r+',
    )
    await rename(next, path)
    mine = false
    await syncDirectory(dirname(path))
  } catch (error) {
    if (mine) await unlink(next)
    if (!mine && errnoOf(error) === 'EEXIST') {
      throw new TorikiError('keyring-invalid', {
        message: `A rotation of the keyring is under way, or was cut short: ${next} is there.`,
        remedy: `If no rotation runs, remove ${next} and try again.`,
        cause: error,
      })
    }
    throw error instanceof TorikiError ? error : cannotWrite(path, error)
  }
}

function parseKeyring(text: string, path: string): Keyring {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw invalid(path, 'is not JSON: it is damaged, or something else') // no cause: the parser's message quotes the text
  }
  const parsed = keyringSchema.safeParse(value)
  if (!parsed.success) throw invalid(path, `has a wrong field: ${parsed.error.issues[0]?.path.join('.') ?? ''}`)
  const keys = parsed.data.keys.map(({ id, key, createdAt }) => ({
    id: Buffer.from(id, 'hex'),
    secret: Buffer.from(key, 'base64'),
    createdAt: new Date(createdAt),
  }))
  if (keys.some(({ secret }) => secret.length !== KEY_BYTES)) throw invalid(path, 'has a key of another length')
  if (new Set(parsed.data.keys.map(({ id }) => id)).size !== keys.length) throw invalid(path, 'has a key twice')
  return { deployment: parsed.data.deployment, keys }
}

function encodeKeyring(keyring: Keyring): string {
  const keys = keyring.keys.map(({ id, secret, createdAt }) => ({
    id: id.toString('hex'),
    key: secret.toString('base64'),
    createdAt: createdAt.toISOString(),
  }))
  return `${JSON.stringify({ format: 'toriki-keyring', v: 1, deployment: keyring.deployment, keys }, undefined, 2)}\n`
}

function newKey(clock: Clock, random: Random): Keyring['keys'][number] {
  return { id: random.bytes(KEY_ID_BYTES), secret: random.bytes(KEY_BYTES), createdAt: clock.now() }
}

async function writeDurably(path: string, text: string, flags: 'wx' | 'r+' = 'wx'): Promise<void> {
  const handle = await open(path, flags, 0o600)
  try {
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await chmod(path, 0o600) // whatever the umask was
}

async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function invalid(path: string, what: string): TorikiError {
  return new TorikiError('keyring-invalid', { message: `The keyring ${path} ${what}.` })
}

function cannotWrite(path: string, cause: unknown): TorikiError {
  const errno = errnoOf(cause)
  return new TorikiError('keyring-invalid', {
    message: `The keyring ${path} cannot be written${errno === undefined ? '' : ` (${errno})`}.`,
    remedy: 'Check the folder it is to lie in, and your rights there.',
    cause,
  })
}
