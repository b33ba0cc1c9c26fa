/** The writing calls that Node lacks, through koffi: exact times, FIFOs, extended attributes, and a rename that overwrites nothing. */
import { loadKoffi } from '../load-koffi.ts'
import { SystemFailure } from '../system-failure.ts'

export interface NativeWrites {
  /** @returns its handle. */
  makeFile(directory: number, name: string, flags: number, mode: number): number
  makeFifo(directory: number, name: string): void
  renameToNew(directory: number, from: string, to: string): void
  /** What is `undefined` is left as it is. */
  setTimes(handle: number, mtimeNs: bigint | undefined, atimeNs: bigint | undefined): void
  setAttribute(handle: number, name: string, value: Uint8Array): void
  removeAttribute(handle: number, name: string): void
  /** Everything of the file system that it lies on. */
  flushAll(handle: number): void
}

/** No name of an entry is longer (`NAME_MAX`). */
const NAME_BYTES = 255
const AT_FDCWD = -100
const RENAME_NOREPLACE = 1
/** Node's own calls ask for it by themselves. */
const O_CLOEXEC = 0o2000000
const UTIME_OMIT = 0x3ffffffen
const BILLION = 1_000_000_000n
/** As in `syscall.h`: glibc before 2.28, and musl, have no `renameat2` of their own. */
const RENAMEAT2: Readonly<Record<string, number>> = { x64: 316, arm64: 276 }

/** @returns `undefined` where these calls cannot be had; never throws. */
export async function loadNativeWrites(): Promise<NativeWrites | undefined> {
  const renameat2 = RENAMEAT2[process.arch]
  if (process.platform !== 'linux' || renameat2 === undefined) return undefined
  try {
    return bind(await loadKoffi(), renameat2)
  } catch {
    return undefined // no binary for this system; forecasts say what that costs
  }
}

function bind(koffi: typeof import('koffi').default, renameat2: number): NativeWrites {
  const libc = koffi.load(null)
  const rename = libc.func('long syscall(long number, long from, void *name, long to, void *second, long flags)')
  // Variadic too; the same holds as of `syscall` on both processors: a fixed shape is the same call.
  const openat = libc.func('int openat(int directory, void *name, int flags, uint32_t mode)')
  const mkfifoat = libc.func('int mkfifoat(int directory, void *name, uint32_t mode)')
  const utimensat = libc.func('int utimensat(int directory, void *path, void *times, int flags)')
  const futimens = libc.func('int futimens(int handle, void *times)')
  const setxattr = libc.func('int setxattr(void *path, void *name, void *value, size_t size, int flags)')
  const syncfs = libc.func('int syncfs(int handle)')
  const removexattr = libc.func('int removexattr(void *path, void *name)')
  const codes = new Map<number, string>()
  for (const [code, number] of Object.entries(koffi.os.errno))
    if (code !== 'EWOULDBLOCK' && code !== 'EOPNOTSUPP' && code !== 'EDEADLOCK') codes.set(number, code)
  const failure = (): SystemFailure => new SystemFailure(codes.get(koffi.errno()) ?? 'EUNKNOWN')
  const checked = (result: unknown): void => {
    if (Number(result) !== 0) throw failure()
  }
  // One thread, and every call ends before the next begins: buffers are made once.
  const [first, second] = [Buffer.alloc(NAME_BYTES + 1), Buffer.alloc(NAME_BYTES + 1)]
  const times = Buffer.alloc(32)
  const put = (name: string, buffer: Buffer): Buffer => {
    if (name.length > NAME_BYTES) throw new SystemFailure('ENAMETOOLONG')
    buffer[buffer.write(name, 0, 'latin1')] = 0
    return buffer
  }
  return {
    makeFile(directory, name, flags, mode) {
      const handle = Number(openat(directory, put(name, first), flags | O_CLOEXEC, mode))
      if (handle < 0) throw failure()
      return handle
    },
    flushAll: (handle) => checked(syncfs(handle)),
    makeFifo: (directory, name) => checked(mkfifoat(directory, text(name), 0o600)),
    renameToNew: (directory, from, to) =>
      checked(rename(renameat2, directory, put(from, first), directory, put(to, second), RENAME_NOREPLACE)),
    setTimes(handle, mtimeNs, atimeNs) {
      putTime(times, 0, atimeNs)
      putTime(times, 16, mtimeNs)
      if (Number(futimens(handle, times)) === 0) return
      const failed = failure()
      // Held as itself and not open: by its path then.
      if (failed.code !== 'EBADF') throw failed
      checked(utimensat(AT_FDCWD, itself(handle), times, 0))
    },
    setAttribute: (handle, name, value) =>
      checked(setxattr(itself(handle), text(name), Buffer.from(value), value.length, 0)),
    removeAttribute(handle, name) {
      if (Number(removexattr(itself(handle), text(name))) === 0) return
      const failed = failure()
      if (failed.code !== 'ENODATA' && failed.code !== 'ENOTSUP') throw failed
    },
  }
}

function putTime(times: Buffer, at: number, timeNs: bigint | undefined): void {
  if (timeNs === undefined) {
    times.writeBigInt64LE(0n, at)
    times.writeBigInt64LE(UTIME_OMIT, at + 8)
    return
  }
  // Seconds are rounded down and nanoseconds count upwards, before 1970 too.
  const nanoseconds = ((timeNs % BILLION) + BILLION) % BILLION
  times.writeBigInt64LE((timeNs - nanoseconds) / BILLION, at)
  times.writeBigInt64LE(nanoseconds, at + 8)
}

function text(value: string): Buffer {
  return Buffer.from(`${value}\0`, 'latin1')
}

function itself(handle: number): Buffer {
  return text(`/proc/self/fd/${handle}`)
}
