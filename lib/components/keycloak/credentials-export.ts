/**
 * Hashes from a folder that `kc.sh export` wrote (`REALM-realm.json`, `REALM-users-N.json`). One pass over the files keeps a place per person, not the
 * records; a record is read when its person is. The files are looked at again when they have changed.
 *
 * An export is true for its own time only: whoever asks compares each credential with what the live server says of it.
 */
import { open, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { TorikiError } from '../../errors.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Check } from '../component.ts'
import type { CredentialAnswer, CredentialSource } from './credential-source.ts'
import { systemCode, KeycloakAnswer } from './failure.ts'
import { waitFor } from './stop.ts'
import { UserRecordScanner } from './user-record-scanner.ts'

const recordSchema = z.looseObject({
  id: z.string(),
  username: z.string(),
  credentials: z
    .array(
      z.looseObject({
        id: z.string(),
        type: z.string(),
        userLabel: z.string().nullable().optional(),
        createdDate: z.number().nullable().optional(),
        secretData: z.string().nullable().optional(),
        credentialData: z.string().nullable().optional(),
      }),
    )
    .nullable()
    .optional(),
})

/** A person's record is some KiB; one of this size is not one. */
const RECORD_BYTES_MAX = 4 * 1024 * 1024
/** The files' times are looked at again after so long. */
const LOOK_AGAIN_MS = 30_000
/** `doctor` calls an export older than this too old: what was changed since is not covered. */
const AGE_MS_MAX = 8 * 24 * 60 * 60_000

interface Place {
  readonly file: string
  readonly offset: number
  readonly length: number
}
interface Index {
  readonly stamp: string
  readonly places: ReadonlyMap<string, Place>
  readonly asOf: Date
  readonly lookAgainAtMs: number
}

export class ExportCredentials implements CredentialSource {
  readonly isPast = true
  readonly #folder: string
  readonly #realm: string
  readonly #clock: Clock
  #index: Promise<Index> | undefined

  constructor({ folder, realm, clock }: { readonly folder: string; readonly realm: string; readonly clock: Clock }) {
    this.#folder = folder
    this.#realm = realm
    this.#clock = clock
  }

  async read(
    person: { readonly id: string; readonly username: string },
    signal: AbortSignal,
  ): Promise<CredentialAnswer | undefined> {
    const { places, asOf } = await waitFor(this.#current(), signal)
    const place = places.get(person.id)
    if (place === undefined) return undefined
    const record = recordSchema.safeParse(await readRecord(place))
    // The files were replaced between the look and the read: the next look finds the person.
    if (!record.success || record.data.id !== person.id) throw unreadable('The export changed while it was read.')
    const credentials = (record.data.credentials ?? []).map(
      ({ id, type, userLabel, createdDate, secretData, credentialData }) => ({
        id,
        type,
        userLabel: userLabel ?? undefined,
        createdDateMs: createdDate ?? undefined,
        secretData: secretData ?? undefined,
        credentialData: credentialData ?? undefined,
      }),
    )
    return { credentials, asOf }
  }

  async *check(): AsyncIterable<Check> {
    const reads = 'keycloak: export with credentials can be read'
    try {
      const { asOf } = await this.#current()
      yield { check: reads, ok: true }
      const isOld = this.#clock.now().getTime() - asOf.getTime() > AGE_MS_MAX
      yield {
        check: 'keycloak: export with credentials is fresh',
        ok: !isOld,
        ...(isOld
          ? {
              remedy: `Write it anew with \`kc.sh export\` (this one is of ${asOf.toISOString()}): passwords changed since are not covered.`,
            }
          : {}),
      }
    } catch (error) {
      yield { check: reads, ok: false, remedy: `${(error as TorikiError).message} ${(error as TorikiError).remedy}` }
    }
  }

  async close(): Promise<void> {}

  /** The places, looked for again when the files have changed. */
  async #current(): Promise<Index> {
    const known = this.#index
    const index = known && (await known)
    if (index !== undefined && this.#clock.monotonicMs() < index.lookAgainAtMs) return index
    if (this.#index === known) {
      const made = this.#look(index)
      this.#index = made
      made.catch(() => {
        if (this.#index === made) this.#index = undefined
      })
    }
    return this.#current()
  }

  async #look(known: Index | undefined): Promise<Index> {
    try {
      const files = await this.#files()
      const stats = await Promise.all(files.map((file) => stat(file)))
      const stamp = JSON.stringify(stats.map(({ size, mtimeMs, ino }, at) => [files[at], size, mtimeMs, ino]))
      const lookAgainAtMs = this.#clock.monotonicMs() + LOOK_AGAIN_MS
      if (known?.stamp === stamp) return { ...known, lookAgainAtMs }
      const places = new Map<string, Place>()
      for (const file of files) await findRecords(file, places)
      // The oldest file: an export is not one moment.
      return { stamp, places, asOf: new Date(Math.min(...stats.map(({ mtimeMs }) => mtimeMs))), lookAgainAtMs }
    } catch (error) {
      throw error instanceof TorikiError
        ? error
        : unreadable(`The export cannot be read (${systemCode(error)}).`, error)
    }
  }

  /** `REALM-users-N.json` in the folder; or `REALM-realm.json` alone, with the people in it. */
  async #files(): Promise<readonly string[]> {
    const names = await readdir(this.#folder)
    const realmFile = `${this.#realm}-realm.json`
    if (!names.includes(realmFile)) {
      const others = names.filter((name) => name.endsWith('-realm.json')).length
      throw unreadable(
        others === 0 ? 'There is no export of a realm in that folder.' : 'The export is of another realm.',
      )
    }
    const number = (name: string): number => Number(name.slice(`${this.#realm}-users-`.length, -'.json'.length))
    const users = names
      .filter((name) => name.startsWith(`${this.#realm}-users-`) && /-users-[0-9]+\.json$/.test(name))
      .sort((a, b) => number(a) - number(b))
    if (users.some((name, at) => number(name) !== at)) throw unreadable('The export lacks one of its files.')
    return [realmFile, ...users].map((name) => join(this.#folder, name))
  }
}

async function findRecords(file: string, places: Map<string, Place>): Promise<void> {
  const scanner = new UserRecordScanner()
  const handle = await open(file)
  try {
    for await (const bytes of handle.createReadStream({ start: 0, autoClose: false, highWaterMark: 256 * 1024 })) {
      for (const { offset, length } of scanner.push(bytes as Buffer)) {
        const id = idOf(await readBytes(handle, offset, length))
        if (id !== undefined) places.set(id, { file, offset, length })
      }
    }
  } finally {
    await handle.close()
  }
  if (!scanner.isWhole) throw unreadable('A file of the export is cut off, or still being written.')
}

async function readRecord({ file, offset, length }: Place): Promise<unknown> {
  const handle = await open(file).catch((error: unknown) => {
    throw unreadable('The export changed while it was read.', error)
  })
  try {
    return parse(await readBytes(handle, offset, length))
  } finally {
    await handle.close()
  }
}

async function readBytes(handle: Awaited<ReturnType<typeof open>>, offset: number, length: number): Promise<string> {
  if (length > RECORD_BYTES_MAX) throw unreadable('A record of the export is longer than any person’s.')
  const buffer = Buffer.alloc(length)
  const { bytesRead } = await handle.read(buffer, 0, length, offset)
  return buffer.toString('utf8', 0, bytesRead)
}

function idOf(text: string): string | undefined {
  const record = z.looseObject({ id: z.string().optional() }).safeParse(parse(text))
  return record.success ? record.data.id : undefined
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw unreadable('A file of the export is not JSON.', error)
  }
}

function unreadable(message: string, cause?: unknown): TorikiError {
  return new TorikiError('credentials-unreadable', {
    message,
    remedy:
      'Write the export anew with `kc.sh export --dir FOLDER --realm REALM --users different_files`, and name that folder.',
    ...(cause === undefined ? {} : { cause: new KeycloakAnswer(systemCode(cause)) }),
  })
}
