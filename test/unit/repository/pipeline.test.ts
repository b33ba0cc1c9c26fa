import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { tmpdir } from 'node:os'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { filesComponent } from '../../../lib/components/files/component.ts'
import { systemClock } from '../../../lib/platform/clock.ts'
import type { Threads, Work } from '../../../lib/platform/threads.ts'
import { workerThreads } from '../../../lib/platform/worker-threads.ts'
import type { WorkerThreads } from '../../../lib/platform/worker-threads.ts'
import { createDeployment } from '../../../lib/repository/deployment-repository.ts'
import type { DeploymentRepository } from '../../../lib/repository/repository.ts'
import { Notes } from '../../../lib/repository/notes.ts'
import type { Snapshot } from '../../../lib/repository/snapshot.ts'
import { formatKey } from '../../../lib/resources/key.ts'
import type { FileReading } from '../../../lib/resources/file-reading.ts'
import { userSlice } from '../../../lib/resources/slice.ts'
import { memoryPlatform } from '../../kit/memory-platform.ts'
import type { MemoryPlatform } from '../../kit/memory-platform.ts'
import { seededRandom } from '../../kit/seeded-random.ts'

const ann = userSlice('ann')
const random = seededRandom('pipeline')
const signal = new AbortController().signal

let threads: WorkerThreads
beforeAll(() => {
  threads = workerThreads(new URL('../../../lib/chunk-thread.ts', import.meta.url), 2)
})
afterAll(async () => await threads.close())

let root: string
let home: string
let platform: MemoryPlatform
let deployment: DeploymentRepository
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'toriki-pipeline-'))
  home = join(root, 'ann')
  mkdirSync(home)
  platform = memoryPlatform({ clock: systemClock })
  deployment = await createDeployment({ ...platform, threads }, { name: 'campus', settings: {} })
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

/** Every kind of file, far more than one thread would be left alone with. */
function fill(): void {
  for (let folder = 0; folder < 8; folder++) {
    const path = join(home, `folder-${folder}`)
    mkdirSync(path)
    for (let file = 0; file < 60; file++)
      writeFileSync(join(path, `small-${file}`), random.bytes(file * 97).toString('hex'))
    writeFileSync(join(path, 'middle'), random.bytes(700_000 + folder))
    writeFileSync(join(path, 'again'), 'the same everywhere '.repeat(40_000))
    symlinkSync('middle', join(path, 'link'))
  }
  writeFileSync(join(home, 'empty'), '')
  writeFileSync(join(home, 'tail'), 'after the large one')
  writeFileSync(join(home, 'large'), random.bytes(70 * 1024 * 1024))
  writeFileSync(join(home, 'sparse'), 'x')
  truncateSync(join(home, 'sparse'), 3_000_000)
  appendFileSync(join(home, 'sparse'), 'end')
}

interface Outcome {
  readonly snapshot: Snapshot
  readonly root: string | undefined
  readonly bytesRead: number
  readonly given: number
}

async function backup(
  run: string,
  how: 'threads' | 'slow' | 'alone',
  during?: (taken: number) => void,
): Promise<Outcome> {
  const repository = await deployment.openSlice('user/ann', { access: 'write' })
  const capture = await repository.capture({ run, signal })
  const component = filesComponent({ root, home: '{user}', exclude: [], excludeDefaults: true })
  const notes = new Notes()
  const reading = how === 'alone' ? undefined : capture.reading()
  let given = 0
  const counting: FileReading | undefined = reading && {
    take(file) {
      const pending = reading.take(file, how === 'slow' ? { callMs: 1 } : undefined)
      if (pending !== undefined) given++
      if (pending !== undefined) during?.(given)
      return pending
    },
    send: () => reading.send(),
  }
  const context = { clock: systemClock, signal, note: notes.add.bind(notes), ...(counting && { reading: counting }) }
  await capture.store('files', component.read(ann, context), { notes })
  const { snapshot, bytesRead } = await capture.commit([])
  await component.close()
  return { snapshot, root: snapshot.components['files']?.root, bytesRead, given }
}

/** Brought back, byte by byte, by whoever may read. */
async function bring(snapshot: Snapshot): Promise<Map<string, Buffer>> {
  const reading = await deployment.openSlice('user/ann', { access: 'read-content' })
  const files = new Map<string, Buffer>()
  if (reading === undefined) return files
  for await (const { key, content } of reading.resources(snapshot, 'files')) {
    if (content === undefined) continue
    const pieces: Buffer[] = []
    for await (const part of reading.content(content))
      pieces.push('holeBytes' in part ? Buffer.alloc(part.holeBytes) : Buffer.from(part))
    files.set(formatKey(key), Buffer.concat(pieces))
  }
  return files
}

describe('contents stored by other threads', () => {
  test('are stored here where what is stored is known and few files come', async () => {
    const repository = await deployment.openSlice('user/ann', { access: 'write' })
    const capture = await repository.capture({ run: 'few', signal })
    const reading = capture.reading({ isKnown: true })
    const few = { directory: -1, sizeBytes: 1000, device: 1n, inode: 1n, mtimeNs: 1n, ctimeNs: 1n }
    for (let n = 0; n < 1000; n++) expect(reading?.take({ ...few, name: `f${n}` })).toBeUndefined()
  })

  test('leave the thread that walks a processor of its own where files are short', async () => {
    const given = async (sizeBytes: number): Promise<Set<number>> => {
      const posted = new Set<number>()
      const begun = Promise.withResolvers<void>()
      const work: Work = {
        post(thread) {
          posted.add(thread)
          begun.resolve()
        },
        onMessage: () => undefined,
        onFailure: () => undefined,
        leave: () => undefined,
      }
      const idle: Threads = { count: 3, enter: () => work }
      deployment = await createDeployment(
        { ...memoryPlatform({ clock: systemClock }), threads: idle },
        { name: 'campus', settings: {} },
      )
      const repository = await deployment.openSlice('user/ann', { access: 'write' })
      const reading = (await repository.capture({ run: 'one', signal })).reading()
      const file = { directory: -1, sizeBytes, device: 1n, inode: 1n, mtimeNs: 1n, ctimeNs: 1n }
      for (let n = 0; n < 3000; n++) reading?.take({ ...file, name: `f${n}` })?.done.catch(() => undefined)
      reading?.send()
      await begun.promise
      return posted
    }
    expect(await given(1000)).toEqual(new Set([0, 1]))
    expect(await given(100_000)).toEqual(new Set([0, 1, 2]))
  })

  test('make the very same tree, and come back byte by byte', async () => {
    fill()
    const many = await backup('one', 'threads')
    expect(many.given).toBeGreaterThan(200)
    const one = await backup('two', 'alone')
    expect(many.root).toBe(one.root)
    expect(many.bytesRead).toBe(one.bytesRead)
    const brought = await bring(many.snapshot)
    expect(brought.size).toBeGreaterThan(480)
    for (const [path, bytes] of brought)
      expect([path, bytes.equals(readFileSync(join(home, path)))]).toEqual([path, true])
  }, 120_000)

  test('are taken sooner where files are slow, and nothing else becomes of them', async () => {
    for (let file = 0; file < 100; file++) writeFileSync(join(home, `small-${file}`), `content ${file}`)
    expect((await backup('one', 'threads')).given).toBe(0)
    const slow = await backup('two', 'slow')
    expect(slow.given).toBe(68)
    expect(slow.root).toBe((await backup('three', 'alone')).root)
    expect((await bring(slow.snapshot)).size).toBe(100)
  })

  test('are stored once, whichever thread met them, and not again next time', async () => {
    fill()
    await backup('one', 'threads')
    const before = storedBytes()
    await backup('two', 'threads')
    expect(storedBytes() - before).toBeLessThan(400_000)
    // Eight copies of 800 kB that compress to nothing, and half a megabyte of noise in each folder, once each.
    expect(before).toBeLessThan(100 * 1024 * 1024)
  }, 120_000)

  test('of what is replaced, removed, denied or growing while they are read are what stood there, or not at all', async () => {
    fill()
    const outside = join(root, 'secret')
    writeFileSync(outside, 'S'.repeat(5000))
    const { snapshot } = await backup('one', 'threads', (taken) => {
      if (taken !== 30) return
      for (let folder = 1; folder < 8; folder++) {
        const path = join(home, `folder-${folder}`)
        for (let file = 0; file < 60; file += 6) {
          rmSync(join(path, `small-${file}`), { force: true })
          symlinkSync(outside, join(path, `small-${file}`))
          rmSync(join(path, `small-${file + 1}`), { force: true })
          writeFileSync(join(path, 'new'), 'N'.repeat(700))
          renameSync(join(path, 'new'), join(path, `small-${file + 2}`))
          appendFileSync(join(path, `small-${file + 3}`), 'more')
          chmodSync(join(path, `small-${file + 4}`), 0o000)
        }
      }
    })
    for (const [path, bytes] of await bring(snapshot)) {
      expect([path, bytes.includes('SSSS')]).toEqual([path, false])
      if (!/small/.test(path)) expect([path, bytes.equals(readFileSync(join(home, path)))]).toEqual([path, true])
    }
  }, 120_000)

  test('are given up when a thread dies, and the capture says so', async () => {
    fill()
    const dying = workerThreads(new URL('../../../lib/chunk-thread.ts', import.meta.url), 2)
    deployment = await createDeployment(
      { ...memoryPlatform({ clock: systemClock }), threads: dying },
      { name: 'campus', settings: {} },
    )
    await expect(
      backup('one', 'threads', (taken) => {
        if (taken === 200) void dying.close()
      }),
    ).rejects.toMatchObject({ code: 'internal' })
    await dying.close()
  }, 120_000)
})

function storedBytes(): number {
  let bytes = 0
  for (const key of platform.store.keys()) bytes += platform.store.peek(key)?.length ?? 0
  return bytes
}
