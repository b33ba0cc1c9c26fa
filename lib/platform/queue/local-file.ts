/** The file behind the local queues: opens or makes it, refuses what is not ours, and says in the queue's words what SQLite says. */
import { closeSync, fsyncSync, mkdirSync, openSync, statfsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { TorikiError } from '../../errors.ts'
import { errnoOf } from '../errno.ts'

export const QUEUE_FILE = 'queue.sqlite'
/** In SQLite's header: "this file is a queue of Toriki". */
const APPLICATION_ID = 0x544f_5251
const SCHEMA_VERSION = 1
/** Another process holds the file for milliseconds. This process stands still while it waits, so not for long: the retry goes on. */
const BUSY_MS_MAX = 2000

/** SQLite's log of changes needs shared memory, which network file systems do not have: NFS, SMB (three numbers). From linux/magic.h. */
const networkFileSystems: ReadonlySet<number> = new Set([0x6969, 0x517b, 0xff53_4d42, 0xfe53_4d42])

const SCHEMA = `
  CREATE TABLE message (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL,
    queue TEXT NOT NULL,
    body TEXT NOT NULL,
    sent_at_ms INTEGER NOT NULL,
    visible_at_ms INTEGER NOT NULL,
    receive_count INTEGER NOT NULL,
    receipt TEXT
  ) STRICT;
  CREATE INDEX message_by_visibility ON message (queue, visible_at_ms, seq);
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${SCHEMA_VERSION};
`

/**
 * Opens `queue.sqlite` in `folder`, made when missing, for this user only.
 * @throws TorikiError `queue-refused` (not ours, damaged, a newer version, a network file system, no right), `queue-unavailable` (held by another process).
 */
export function openQueueFile(folder: string): DatabaseSync {
  const file = join(folder, QUEUE_FILE)
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    if (networkFileSystems.has(statfsSync(folder).type)) {
      throw new TorikiError('queue-refused', {
        message: `The queue's folder ${folder} lies on a network file system, where SQLite is not safe.`,
        remedy: 'Name a folder on a local disk under `queue.sqlite`.',
      })
    }
    makeFile(file)
  } catch (error) {
    if (error instanceof TorikiError) throw error
    throw new TorikiError('queue-refused', {
      message: `The queue's folder ${folder} cannot be used.`,
      remedy: 'Check who owns the folder named under `queue.sqlite`, and its modes.',
      cause: error,
    })
  }
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(file, { timeout: BUSY_MS_MAX })
    prepareDatabase(database, file)
    return database
  } catch (error) {
    database?.close()
    throw queueFileError(error, file)
  }
}

/** Durable and readable for its owner only, before SQLite sees it; the files SQLite makes beside it take its mode. */
function makeFile(file: string): void {
  try {
    const made = openSync(file, 'ax', 0o600)
    closeSync(made)
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return
    throw error
  }
  for (const folder of [dirname(file), dirname(dirname(file))]) {
    const handle = openSync(folder, 'r')
    try {
      fsyncSync(handle)
    } finally {
      closeSync(handle)
    }
  }
}

function prepareDatabase(database: DatabaseSync, file: string): void {
  const number = (pragma: string): number => Number(Object.values(database.prepare(`PRAGMA ${pragma}`).get() ?? {})[0])
  if (number('application_id') !== APPLICATION_ID) {
    // Two processes may both see a new file: the second one looks again under the lock.
    database.exec('BEGIN IMMEDIATE')
    try {
      if (number('application_id') !== APPLICATION_ID) {
        const tables = Number(database.prepare('SELECT count(*) AS n FROM sqlite_schema').get()?.['n'])
        if (number('application_id') !== 0 || tables !== 0) throw foreign(file)
        database.exec(SCHEMA)
      }
      database.exec('COMMIT')
    } catch (error) {
      database.exec('ROLLBACK')
      throw error
    }
  }
  if (number('user_version') !== SCHEMA_VERSION) {
    throw new TorikiError('queue-refused', {
      message: `The queue ${file} was made by a newer Toriki.`,
      remedy: 'Use that version, or name another folder under `queue.sqlite`.',
    })
  }
  const mode = database.prepare('PRAGMA journal_mode = WAL').get()?.['journal_mode']
  if (mode !== 'wal')
    throw new TorikiError('queue-unavailable', { message: `The queue ${file} is being opened by another process.` })
}

function foreign(file: string): TorikiError {
  return new TorikiError('queue-refused', {
    message: `${file} is a database of something else.`,
    remedy: 'Name another folder under `queue.sqlite`.',
  })
}

/** https://sqlite.org/rescode.html; the low byte of an extended code is the primary one. */
const BUSY = 5
const LOCKED = 6
const IOERR = 10
const CORRUPT = 11
const FULL = 13
const NOTADB = 26

export function queueFileError(error: unknown, file: string): TorikiError {
  if (error instanceof TorikiError) return error
  const errcode =
    typeof error === 'object' && error !== null && 'errcode' in error && typeof error.errcode === 'number'
      ? error.errcode
      : undefined
  if (errcode === undefined) return new TorikiError('internal', { cause: error })
  const details = { ids: { errcode }, cause: error }
  switch (errcode & 0xff) {
    case BUSY:
    case LOCKED:
      return new TorikiError('queue-unavailable', {
        ...details,
        message: `Another process holds the queue ${file}.`,
        remedy: 'Look for a Toriki that hangs, and end it.',
      })
    case IOERR:
      return new TorikiError('queue-unavailable', {
        ...details,
        message: `The disk of the queue ${file} does not answer.`,
        remedy: 'Check that disk.',
      })
    case FULL:
      return new TorikiError('queue-unavailable', {
        ...details,
        retry: 'later',
        message: `The disk of the queue ${file} is full.`,
        remedy: 'Free space there, then start again; nothing is lost.',
      })
    case CORRUPT:
    case NOTADB:
      return new TorikiError('queue-refused', {
        ...details,
        message: `The queue ${file} is damaged, or is not a queue.`,
        remedy:
          'Move the file away and start again: an empty queue is made. Then run `toriki replay`; what is stored is not touched.',
      })
    default:
      return new TorikiError('queue-refused', {
        ...details,
        message: `The queue ${file} cannot be used.`,
        remedy: 'Check who owns the file and its folder, and their modes.',
      })
  }
}
