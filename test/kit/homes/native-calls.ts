/** Calls that build what Node cannot: nodes, attributes, exact times. `undefined` where koffi cannot load; builders then say what they left out. */

export interface NativeCalls {
  /** @throws Error with the errno's name. */
  makeNode(path: Buffer, mode: number, device: number): void
  setAttribute(path: Buffer, name: string, value: Uint8Array): void
  /** Of the entry itself, links included. */
  setTimeNs(path: Buffer, mtimeNs: bigint): void
}

const AT_FDCWD = -100
const AT_SYMLINK_NOFOLLOW = 0x100

export async function nativeCalls(): Promise<NativeCalls | undefined> {
  if (process.platform !== 'linux') return undefined
  let koffi: typeof import('koffi').default
  try {
    koffi = (await import('koffi')).default
  } catch {
    return undefined
  }
  const libc = koffi.load(null)
  const mknod = libc.func('int mknod(void *path, uint32_t mode, uint64_t device)')
  const lsetxattr = libc.func('int lsetxattr(void *path, void *name, void *value, size_t size, int flags)')
  const utimensat = libc.func('int utimensat(int handle, void *path, void *times, int flags)')
  const checked = (result: unknown): void => {
    if (result === 0) return
    const number = koffi.errno()
    throw new Error(Object.entries(koffi.os.errno).find(([, value]) => value === number)?.[0] ?? String(number))
  }
  const text = (bytes: Uint8Array | string): Buffer => Buffer.concat([Buffer.from(bytes as string), Buffer.of(0)])
  return {
    makeNode: (path, mode, device) => checked(mknod(text(path), mode, device)),
    setAttribute: (path, name, value) =>
      checked(lsetxattr(text(path), text(name), Buffer.from(value), value.length, 0)),
    setTimeNs(path, mtimeNs) {
      const times = Buffer.alloc(32)
      for (const at of [0, 16]) {
        // Seconds are rounded down and nanoseconds count upwards, before 1970 too.
        const nanoseconds = ((mtimeNs % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n
        times.writeBigInt64LE((mtimeNs - nanoseconds) / 1_000_000_000n, at)
        times.writeBigInt64LE(nanoseconds, at + 8)
      }
      checked(utimensat(AT_FDCWD, text(path), times, AT_SYMLINK_NOFOLLOW))
    },
  }
}
