/** Mounts of a test's own, released however it ends. Needs root on Linux with the right to mount; where that lacks, says why. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Why this machine cannot mount; undefined: it can. */
export const mountHindrance = findHindrance()

const held: string[] = []

export const mounts = {
  bind(what: string, at: string): void {
    execFileSync('mount', ['--bind', what, at])
    held.push(at)
  },
  /** A file system in memory that holds no more than this. */
  small(at: string, bytes: number): void {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', at])
    held.push(at)
  },
  /** A file system in a file. */
  volume(image: string, at: string): void {
    execFileSync('mount', ['-o', 'loop', image, at])
    held.push(at)
  },
  /** From now on nobody finds it, though it is still in use. */
  lose(at: string): void {
    execFileSync('umount', ['--lazy', at])
    held.splice(held.indexOf(at), 1)
  },
  unmount(at: string): void {
    execFileSync('umount', [at])
    held.splice(held.indexOf(at), 1)
  },
  release(): void {
    for (const at of held.splice(0).reverse()) execFileSync('umount', [at])
  },
}

function findHindrance(): string | undefined {
  if (process.platform !== 'linux') return 'mounts are made on Linux only'
  if (process.geteuid?.() !== 0) return 'mounting needs root'
  const at = mkdtempSync(join(tmpdir(), 'toriki-mount-'))
  try {
    const tried = spawnSync('mount', ['-t', 'tmpfs', 'tmpfs', at])
    if (tried.status !== 0) return 'mounting is not allowed here'
    execFileSync('umount', [at])
    return undefined
  } finally {
    rmdirSync(at)
  }
}
