/** Homes for the contract of the writing half, once for each way to write that this machine has. */
import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  existsSync,
  lstatSync,
  linkSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { filesComponent } from '../../lib/components/files/component.ts'
import { groundOf } from '../../lib/components/files/ground.ts'
import type { GroundKind } from '../../lib/components/files/ground.ts'
import { loadNative } from '../../lib/components/files/native.ts'
import { loadNativeWrites } from '../../lib/components/files/write/native-writes.ts'
import { filesWriter } from '../../lib/components/files/write/writer.ts'
import { writingCalls } from '../../lib/components/files/write/writing-calls.ts'
import { decodeKey } from '../../lib/resources/key.ts'
import { userSlice } from '../../lib/resources/slice.ts'
import { buildHome, homeMap } from '../kit/homes/build-home.ts'
import { cutCalls } from '../kit/homes/cut-calls.ts'
import { makeScratch } from '../kit/homes/scratch.ts'
import type { WriterFixture } from './component-writer.ts'

const native = await loadNative()
const nativeWrites = await loadNativeWrites()
interface WayToWrite {
  readonly name: string
  readonly ground: GroundKind
  readonly isNative: boolean
  /** File servers cannot promise a rename that overwrites nothing. */
  readonly asNfs: boolean
}

export const waysToWrite: readonly WayToWrite[] =
  process.platform === 'linux'
    ? [
        ...(native?.hasOpenat2 === true
          ? [{ name: 'openat2', ground: 'openat2', isNative: true, asNfs: false } as const]
          : []),
        ...(native === undefined
          ? []
          : [{ name: 'no exclusive rename', ground: 'native', isNative: true, asNfs: true } as const]),
        { name: 'plain Node', ground: 'proc', isNative: false, asNfs: false },
      ]
    : []

export async function openHome({ ground: kind, isNative, asNfs }: WayToWrite): Promise<WriterFixture> {
  const scratch = makeScratch()
  const root = join(scratch.path, 'root')
  const home = join(root, 'home', 'ann')
  mkdirSync(join(root, 'home', 'bob'), { recursive: true })
  writeFileSync(join(root, 'home', 'bob', 'his'), 'not ann’s')
  writeFileSync(join(scratch.path, 'outside'), 'nobody’s')
  const ground = groundOf(kind, native)
  const settings = { root, home: 'home/{user}', exclude: [], excludeDefaults: true }
  const cut = cutCalls(writingCalls(isNative ? nativeWrites : undefined), {
    withoutExclusiveRename: asNfs,
    withoutFlush: true,
  })
  const at = (path: string): Buffer => Buffer.concat([Buffer.from(`${home}/`), Buffer.from(path, 'latin1')])
  return {
    writer: filesWriter(settings, { ground, calls: cut.calls }),
    component: filesComponent(settings, { ground }),
    slice: userSlice('ann'),
    settles: ['mtime', 'hardLinkTo'],
    async fill() {
      execFileSync('rm', ['-rf', home])
      await buildHome(home)
      // Nobody makes these again.
      for (const path of [homeMap.socket, homeMap.device.path]) if (existsSync(at(path))) unlinkSync(at(path))
      if (isNative) return
      // What Node alone cannot make, or not reach by path to round its time.
      if (existsSync(at(homeMap.fifo))) unlinkSync(at(homeMap.fifo))
      execFileSync('rm', ['-rf', join(home, 'deep')])
      roundTimes(home)
    },
    spoil() {
      const [first, second, third] = homeMap.hardLinks
      appendFileSync(at(homeMap.mode.private), ', and more')
      chmodSync(at(homeMap.mode.program), 0o700)
      unlinkSync(at(homeMap.owned))
      for (const path of [homeMap.exactTime.path, homeMap.beforeEpoch.path])
        if (existsSync(at(path))) unlinkSync(at(path))
      unlinkSync(at(homeMap.links.bytes))
      unlinkSync(at(homeMap.links.relative))
      symlinkSync('elsewhere', at(homeMap.links.relative))
      // The group of names loses its first, and one becomes a file of its own.
      unlinkSync(at(first))
      unlinkSync(at(third))
      writeFileSync(at(third), 'a file of its own')
      unlinkSync(at(homeMap.sparse.path))
      appendFileSync(at(homeMap.onlyHole.path), 'no longer')
      unlinkSync(at(homeMap.byteName))
      for (const path of ['attributes', 'acls', 'empty', 'odd', 'long'])
        rmSync(at(path), { recursive: true, force: true })
      if (existsSync(at(homeMap.fifo))) unlinkSync(at(homeMap.fifo))
      chmodSync(at(homeMap.mode.setgid), 0o700)
      execFileSync('rm', ['-rf', join(home, 'deep')])
      // What was a file is a directory, and the other way round; and what was not there is.
      mkdirSync(at('attributes'))
      writeFileSync(at('empty'), 'was a directory')
      mkdirSync(at('extra/one'), { recursive: true })
      writeFileSync(at('extra/one/file'), 'extra')
      linkSync(at('extra/one/file'), at('extra/two'))
      symlinkSync('/etc/passwd', at('extra/link'))
      writeFileSync(at('restored-not'), second)
      if (!isNative) roundTimes(home)
      return Promise.resolve()
    },
    interfere(key) {
      const path = at(
        decodeKey(key)
          .segments.map((segment) => segment.toString('latin1'))
          .join('/'),
      )
      const stat = lstatSync(path)
      if (stat.isDirectory()) chmodSync(path, 0o711)
      else {
        if (!stat.isSymbolicLink()) unlinkSync(path)
        if (stat.isSymbolicLink()) {
          unlinkSync(path)
          symlinkSync('by somebody', path)
        } else writeFileSync(path, `by somebody ${Math.floor(stat.size)}`, { mode: 0o604 })
      }
      return Promise.resolve()
    },
    outside() {
      return Promise.resolve(
        JSON.stringify([
          readdirSync(join(root, 'home')),
          readdirSync(scratch.path),
          readFileSync(join(root, 'home', 'bob', 'his'), 'utf8'),
          readFileSync(join(scratch.path, 'outside'), 'utf8'),
          lstatSync(join(root, 'home', 'bob', 'his'), { bigint: true }).ctimeNs.toString(),
          lstatSync('/etc/passwd', { bigint: true }).ctimeNs.toString(),
        ]),
      )
    },
    temporary: () =>
      execFileSync('find', [home, '-name', '.toriki-*'], { encoding: 'utf8' })
        .split('\n')
        .filter((line) => line !== ''),
    writes: () => cut.writes(),
    cutAt: (count) => cut.cutAt(count),
    close: () => Promise.resolve(scratch.remove()),
  }
}

/** To whole seconds, which Node alone can set exactly. */
function roundTimes(home: string): void {
  execFileSync('find', [home, '-depth', '-exec', 'touch', '-h', '-d', '2026-11-01T10:00:00Z', '{}', '+'])
}
