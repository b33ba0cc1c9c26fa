/** What the figures were taken on: without it they say nothing. */
import { readFileSync, statfsSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, release, tmpdir, totalmem } from 'node:os'

const TMPFS = 0x01021994
const KINDS: ReadonlyMap<number, string> = new Map([
  [TMPFS, 'tmpfs'],
  [0xef53, 'ext4'],
  [0x58465342, 'XFS'],
  [0x9123683e, 'Btrfs'],
  [0x794c7630, 'overlayfs'],
  [0x6969, 'NFS'],
])

export function describeMachine(data: string): string {
  const [load = 0] = loadavg()
  const kind = KINDS.get(statfsSync(data).type) ?? 'another file system'
  const quiet =
    load > 0.5
      ? ` The machine was not quiet (load average ${load.toFixed(1)} at the start): only the ratios count.`
      : ''
  return `Node ${process.version}, ${availableParallelism()} × ${cpus()[0]?.model.trim() ?? 'unknown'}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, ${process.platform} ${release()}; data on ${kind}.${quiet}`
}

/** In memory, where there is room for `bytes`: a disk that others use makes every second run another one. Else where temporary files go. */
export function dataFolder(bytes: number): string {
  try {
    const { bavail, bsize, type } = statfsSync('/dev/shm')
    if (type === TMPFS && Math.min(bavail * bsize, freeMemoryBytes() - MEMORY_LEFT_BYTES) > bytes) return '/dev/shm'
  } catch {
    // no such folder here: the other one will do
  }
  return tmpdir()
}

const MEMORY_LEFT_BYTES = 4 * 2 ** 30

/** What lies in tmpfs takes memory. */
function freeMemoryBytes(): number {
  const kibibytes = /^MemAvailable:\s+(\d+) kB$/m.exec(readFileSync('/proc/meminfo', 'latin1'))?.[1]
  return Number(kibibytes ?? 0) * 1024
}
