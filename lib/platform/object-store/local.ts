/**
 * An object store that is a folder: the embedded default. One file per object, its path is the key.
 *
 * Create-if-absent is a hard link: the body is written to a file of its own under `.tmp/`, made durable, linked to the object's name (the file system
 * lets one linker win and never shows half a file), and the directory is made durable. See README.md for what each step is there for.
 */
import type { FileHandle } from 'node:fs/promises'
import { link, lstat, mkdir, open, readdir, rmdir, unlink } from 'node:fs/promises'
import { dirname, join, relative, sep } from 'node:path'
import { TorikiError } from '../../errors.ts'
import type { Clock } from '../clock.ts'
import { errnoOf } from '../errno.ts'
import type { Random } from '../random.ts'
import { DirectorySync } from './directory-sync.ts'
import { fileError } from './file-error.ts'
import { openPlain, walkKeys } from './local-walk.ts'
import { assertObjectKey, assertObjectPrefix } from './object-key.ts'
import { resolveRange } from './object-range.ts'
import type { GetOptions } from './object-range.ts'
import { LIST_PAGE_MAX } from './port.ts'
import type { ListOptions, ListPage, ObjectInfo, ObjectStore } from './port.ts'

const SIDE_FOLDER = '.tmp'
/** A temporary file lives for one write; one that is a day old belongs to a process that is dead. */
const STALE_MS = 86_400_000
/** A directory may be pruned between its making and the link into it; somebody who prunes that often is not us. */
const LINK_TRIES_MAX = 100
const STATS_AT_ONCE = 64

export interface LocalObjectStoreOptions {
  /** Made, with its parents, by the first create. */
  readonly folder: string
  readonly clock: Clock
  readonly random: Random
}

export class LocalObjectStore implements ObjectStore {
  readonly #root: string
  readonly #side: string
  readonly #clock: Clock
  readonly #random: Random
  readonly #syncs = new DirectorySync()
  /** Directories that this process made and whose names are not durable yet. */
  readonly #making = new Map<string, Promise<void>>()
  #ready: Promise<void> | undefined

  constructor(options: LocalObjectStoreOptions) {
    this.#root = options.folder
    this.#side = join(options.folder, SIDE_FOLDER)
    this.#clock = options.clock
    this.#random = options.random
  }

  async create(key: string, body: Uint8Array): Promise<void> {
    assertObjectKey(key)
    try {
      this.#ready ??= this.#prepare()
      await this.#ready.catch((error: unknown) => {
        this.#ready = undefined // the next create tries again
        throw error
      })
      const temporary = join(this.#side, `${process.pid}-${this.#random.bytes(12).toString('hex')}`)
      try {
        await this.#write(temporary, body)
        await this.#publish(temporary, key)
      } finally {
        await unlink(temporary).catch((error: unknown) => {
          if (errnoOf(error) === undefined) throw error // what stays behind is swept after a day
        })
      }
    } catch (error) {
      throw fileError(error, 'create', key)
    }
  }

  async get(key: string, options: GetOptions = {}): Promise<Buffer> {
    assertObjectKey(key)
    let handle: FileHandle | undefined
    try {
      handle = await openPlain(join(this.#root, key))
      const stat = await handle.stat()
      if (!stat.isFile())
        throw new TorikiError(stat.isDirectory() ? 'object-not-found' : 'store-refused', {
          message: 'What stands in the store under that key is not a file.',
          ids: { key },
        })
      const { offset, length } = resolveRange(key, stat.size, options)
      const buffer = Buffer.allocUnsafe(length)
      let filled = 0
      while (filled < length) {
        const { bytesRead } = await handle.read(buffer, filled, length - filled, offset + filled)
        if (bytesRead === 0) break // cut short by somebody: the caller's checks say so
        filled += bytesRead
      }
      return buffer.subarray(0, filled)
    } catch (error) {
      const errno = errnoOf(error)
      if (errno === 'ENOENT' || errno === 'ENOTDIR')
        throw new TorikiError('object-not-found', { ids: { key }, cause: error })
      throw fileError(error, 'get', key)
    } finally {
      await handle?.close()
    }
  }

  async list(prefix: string, { after, max = LIST_PAGE_MAX }: ListOptions = {}): Promise<ListPage> {
    assertObjectPrefix(prefix)
    const most = Math.min(max, LIST_PAGE_MAX)
    try {
      const keys: string[] = []
      let more = false
      for await (const key of walkKeys(this.#root, prefix, after)) {
        more = keys.length === most
        if (more) break
        keys.push(key)
      }
      const objects: ObjectInfo[] = []
      for (let index = 0; index < keys.length; index += STATS_AT_ONCE) {
        const found = await Promise.all(keys.slice(index, index + STATS_AT_ONCE).map((key) => this.#info(key)))
        for (const info of found) if (info !== undefined) objects.push(info)
      }
      const next = more ? keys.at(-1) : undefined
      return { objects, at: this.#clock.now(), ...(next === undefined ? {} : { next }) }
    } catch (error) {
      throw fileError(error, 'list', prefix)
    }
  }

  async delete(key: string): Promise<void> {
    assertObjectKey(key)
    try {
      await unlink(join(this.#root, key))
      await this.#syncs.sync(await this.#dropEmpty(dirname(join(this.#root, key))))
    } catch (error) {
      const errno = errnoOf(error)
      if (errno !== 'ENOENT' && errno !== 'ENOTDIR') throw fileError(error, 'delete', key)
    }
  }

  /** Makes the folder and its side folder, durably, and sweeps what dead processes left there. */
  async #prepare(): Promise<void> {
    await this.#makeDirectory(this.#side)
    const dead = this.#clock.now().getTime() - STALE_MS
    for (const name of await readdir(this.#side)) {
      const path = join(this.#side, name)
      try {
        if ((await lstat(path)).mtimeMs < dead) await unlink(path)
      } catch (error) {
        if (errnoOf(error) === undefined) throw error // gone already, or not ours to remove: it does no harm
      }
    }
  }

  async #write(path: string, body: Uint8Array): Promise<void> {
    const handle = await open(path, 'wx', 0o600)
    try {
      await handle.writeFile(body)
      // `modifiedAt` and a listing's `at` must be by one clock, also where the file system is a server's.
      const now = this.#clock.now()
      await handle.utimes(now, now)
      // Before the link: a name that is durable before its bytes would be an empty object after a power cut.
      await handle.sync()
    } finally {
      await handle.close()
    }
  }

  /** Gives the file the object's name, durably. @throws TorikiError `object-exists`. */
  async #publish(temporary: string, key: string): Promise<void> {
    const target = join(this.#root, key)
    const directory = dirname(target)
    let exists = false
    for (let tries = 1; ; tries++) {
      await this.#making.get(directory)
      try {
        await link(temporary, target)
        break
      } catch (error) {
        const errno = errnoOf(error)
        if (errno === 'EEXIST') {
          exists = !(await sameFile(temporary, target))
          break
        }
        if (errno !== 'ENOENT' || tries === LINK_TRIES_MAX) throw error
        await this.#makeDirectory(directory)
      }
    }
    // Also for the loser: who is told that an object exists may build on it, and its maker may not have come this far.
    await this.#syncs.sync(directory)
    if (exists) throw new TorikiError('object-exists', { ids: { key } })
  }

  /** Makes `directory` and what is missing above it, and makes the new names durable. */
  async #makeDirectory(directory: string): Promise<void> {
    const making = this.#making.get(directory) ?? this.#makeNow(directory).finally(() => this.#making.delete(directory))
    this.#making.set(directory, making)
    await making
  }

  async #makeNow(directory: string): Promise<void> {
    const first = await mkdir(directory, { recursive: true, mode: 0o700 })
    if (first === undefined) return
    // The new names stand in every directory from the parent of the first one made down to the parent of `directory`.
    let holder = dirname(first)
    await this.#syncs.sync(holder)
    for (const name of relative(holder, dirname(directory)).split(sep)) {
      if (name === '' || name === '..') break
      holder = join(holder, name)
      await this.#syncs.sync(holder)
    }
  }

  /** Removes `directory` and its parents inside the folder as long as they are empty; answers with the one that stays. */
  async #dropEmpty(directory: string): Promise<string> {
    let here = directory
    while (here !== this.#root) {
      try {
        await rmdir(here)
      } catch (error) {
        const errno = errnoOf(error)
        if (errno === undefined) throw error
        if (errno !== 'ENOENT') return here // something is in it, or was put there just now
      }
      here = dirname(here)
    }
    return here
  }

  /** Undefined when it was deleted meanwhile. */
  async #info(key: string): Promise<ObjectInfo | undefined> {
    try {
      const stat = await lstat(join(this.#root, key))
      return stat.isFile() ? { key, sizeBytes: stat.size, modifiedAt: stat.mtime } : undefined
    } catch (error) {
      const errno = errnoOf(error)
      if (errno === 'ENOENT' || errno === 'ENOTDIR') return undefined
      throw error
    }
  }
}

/**
 * Is the object our own file? A server may answer EEXIST to a link it made, when its first answer was lost (NFS).
 * @throws TorikiError `store-refused` when what has the name can never be an object.
 */
async function sameFile(ours: string, theirs: string): Promise<boolean> {
  const [mine, found] = await Promise.all([lstat(ours, { bigint: true }), lstat(theirs, { bigint: true })])
  if (!found.isFile()) {
    throw new TorikiError('store-refused', {
      message: 'Something that is not a file has the name of an object.',
      remedy: 'Remove from the folder of the store what Toriki did not put there.',
    })
  }
  return mine.ino === found.ino && mine.dev === found.dev
}
