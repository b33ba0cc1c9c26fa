/** A file made whole under a name of ours, by the thread at hand or by another: in few calls, each of which proves what it was told of. */
import { closeSync, fstatSync } from 'node:fs'
import type { FileInMaking, FileMaker, FileToMake, MadeFile } from '../../../resources/file-making.ts'
import { SystemFailure, call } from '../system-failure.ts'
import { isWrittenSo } from './stage.ts'
import { findWritingCalls } from './writing-calls.ts'
import type { WritingCalls } from './writing-calls.ts'

/** What is said of a new file beside its content. */
export interface Dress {
  readonly uid: number
  readonly gid: number
  readonly mode: number
  readonly mtimeNs: bigint
  readonly attributes?: ReadonlyMap<string, Buffer>
  /** Names of attributes that it inherited. */
  readonly inherited?: (handle: number) => readonly string[]
}

/** Of another thread. */
export async function openFileMaker(): Promise<FileMaker> {
  return fileMaker(await findWritingCalls())
}

export function fileMaker(calls: WritingCalls): FileMaker {
  return {
    begin: (file) => {
      try {
        return new NewFile(calls, file, calls.makeFile(file.directory, file.name))
      } catch {
        return undefined
      }
    },
    fill: (handle, bytes, at) => {
      try {
        writeProven(calls, handle, bytes, at)
        return true
      } catch {
        return false
      }
    },
  }
}

/** @throws SystemFailure, also where it does not read back. */
export function writeProven(calls: WritingCalls, handle: number, bytes: Uint8Array, at: number): void {
  calls.write(handle, bytes, at)
  if (!isWrittenSo(handle, bytes, at)) throw new SystemFailure('EIO')
}

/** Size, owner, attributes, mode and time of what was just made: in the order in which none spoils another. @throws SystemFailure. */
export function dressFresh(calls: WritingCalls, handle: number, sizeBytes: number, dress: Dress): void {
  const stat = call(() => fstatSync(handle))
  // It ends in a hole.
  if (stat.size < sizeBytes) calls.setLength(handle, sizeBytes)
  if (stat.size > sizeBytes) throw new SystemFailure('EIO')
  if (stat.uid !== dress.uid || stat.gid !== dress.gid) calls.setOwner(handle, dress.uid, dress.gid)
  const inherited = dress.inherited?.(handle) ?? []
  for (const name of inherited) if (dress.attributes?.has(name) !== true) calls.removeAttribute(handle, name)
  for (const [name, value] of dress.attributes ?? []) calls.setAttribute(handle, name, value)
  // A list moves the mode.
  const isMoved = dress.inherited !== undefined || (dress.attributes?.size ?? 0) > 0
  if (isMoved || (stat.mode & 0o7777) !== dress.mode) calls.setMode(handle, dress.mode)
  calls.setTime(handle, dress.mtimeNs)
}

class NewFile implements FileInMaking {
  readonly #calls: WritingCalls
  readonly #file: FileToMake
  readonly #handle: number

  constructor(calls: WritingCalls, file: FileToMake, handle: number) {
    this.#calls = calls
    this.#file = file
    this.#handle = handle
  }

  write(bytes: Uint8Array, at: number): boolean {
    try {
      writeProven(this.#calls, this.#handle, bytes, at)
      return true
    } catch {
      return false
    }
  }

  end(): MadeFile {
    try {
      dressFresh(this.#calls, this.#handle, this.#file.sizeBytes, this.#file)
    } catch {
      this.drop()
      return undefined
    }
    if (this.#file.isHeld) return this.#handle
    closeSync(this.#handle)
    return 'closed'
  }

  drop(): void {
    closeSync(this.#handle)
    try {
      this.#calls.remove(this.#file.directory, this.#file.name)
    } catch {
      // What is left stands under a name that a second try clears away.
    }
  }
}
