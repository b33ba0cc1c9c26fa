/** A home brought back by real threads: every kind of file, damage in the store, threads that die. */
import {
  appendFileSync,
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { tmpdir } from 'node:os'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { filesComponent } from '../../../lib/components/files/component.ts'
import { filesWriter } from '../../../lib/components/files/write/writer.ts'
import { systemClock } from '../../../lib/platform/clock.ts'
import type { Threads, Work } from '../../../lib/platform/threads.ts'
import { workerThreads } from '../../../lib/platform/worker-threads.ts'
import type { WorkerThreads } from '../../../lib/platform/worker-threads.ts'
import { createDeployment, openDeployment } from '../../../lib/repository/deployment-repository.ts'
import { Notes } from '../../../lib/repository/notes.ts'
import { parseSlice, userSlice } from '../../../lib/resources/slice.ts'
import { planSlice } from '../../../lib/restore/plan-slice.ts'
import { restoreId } from '../../../lib/restore/restore-id.ts'
import { restoreSlice } from '../../../lib/restore/restore-slice.ts'
import type { RestoreService } from '../../../lib/restore/service.ts'
import type { RestoreStep } from '../../../lib/restore/slice-log.ts'
import { memoryPlatform } from '../../kit/memory-platform.ts'
import type { MemoryPlatform } from '../../kit/memory-platform.ts'
import { seededRandom } from '../../kit/seeded-random.ts'

const ann = userSlice('ann')
const random = seededRandom('by threads')
const signal = new AbortController().signal
const options = { installerOwned: false, privileged: false }
const LARGE_BYTES = 21 * 1024 * 1024

let threads: WorkerThreads
beforeAll(() => {
  threads = workerThreads(new URL('../../../lib/chunk-thread.ts', import.meta.url), 2)
})
afterAll(async () => await threads.close())

let root: string
let home: string
let platform: MemoryPlatform
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'toriki-by-threads-'))
  home = join(root, 'ann')
  mkdirSync(home)
  platform = memoryPlatform({ clock: systemClock })
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

/** More than one thread would be left alone with. */
function fill(): void {
  for (let folder = 0; folder < 6; folder++) {
    const path = join(home, `folder-${folder}`)
    mkdirSync(path, { mode: 0o750 })
    for (let file = 0; file < 60; file++) {
      writeFileSync(join(path, `small-${file}`), random.bytes(file * 97).toString('hex'))
      chmodSync(join(path, `small-${file}`), file % 2 === 0 ? 0o640 : 0o755)
    }
    // Several chunks: made whole by one thread.
    writeFileSync(join(path, 'middle'), random.bytes(2_700_000 + folder))
    symlinkSync('middle', join(path, 'link'))
  }
  // Filled by all.
  writeFileSync(join(home, 'large'), random.bytes(LARGE_BYTES))
  writeFileSync(join(home, 'sparse'), 'x')
  truncateSync(join(home, 'sparse'), 3_000_000)
  appendFileSync(join(home, 'sparse'), 'end')
  writeFileSync(join(home, 'ends-in-a-hole'), 'x'.repeat(5000))
  truncateSync(join(home, 'ends-in-a-hole'), 1_000_000)
}

interface Entry {
  readonly path: string
  readonly mode: number
  readonly mtimeNs: bigint
  readonly bytes: Buffer | undefined
}

function tree(folder: string, above = ''): Entry[] {
  return readdirSync(folder)
    .toSorted()
    .flatMap((name) => {
      const path = join(folder, name)
      const stat = lstatSync(path, { bigint: true })
      const bytes = stat.isFile() ? readFileSync(path) : undefined
      const entry = { path: join(above, name), mode: Number(stat.mode), mtimeNs: stat.mtimeNs, bytes }
      return stat.isDirectory() ? [entry, ...tree(path, entry.path)] : [entry]
    })
}

/** Everything backed up, and lost. */
async function lose(using: Threads): Promise<RestoreService> {
  const settings = { root, home: '{user}', exclude: [], excludeDefaults: true }
  const repository = await createDeployment({ ...platform, threads: using }, { name: 'campus', settings: {} })
  const component = filesComponent(settings)
  const slice = await repository.openSlice(ann.name, { access: 'write' })
  const capture = await slice.capture({ run: '20261121T020000000Z-full-0000000001', signal })
  const notes = new Notes()
  const context = { clock: systemClock, signal, note: notes.add.bind(notes) }
  await capture.store('files', component.read(ann, context), { notes })
  await capture.commit([])
  rmSync(home, { recursive: true })
  return {
    platform: { ...platform, threads: using },
    repository,
    components: [component],
    writers: [filesWriter(settings)],
    limits: { attempts: 3 },
  }
}

async function restore(service: RestoreService): Promise<RestoreStep> {
  const id = restoreId(systemClock.now(), 'by threads')
  const slice = parseSlice(ann.name)
  await planSlice(service, { restore: id, slice, inPlace: true, deleteExtra: false, options }, signal)
  const sliceId = service.repository.sliceId(ann.name, 1)
  return await restoreSlice(service, { restore: id, sliceId, options, attempt: 1, signal })
}

function sizeOf(key: string): number {
  return platform.store.peek(key)?.length ?? 0
}

/** Threads that tell what they are given to do. */
function watched(told: (kind: string) => void): Threads {
  const watchedWork = (work: Work): Work => ({
    post(thread, message, transfer) {
      told((message as { kind: string }).kind)
      work.post(thread, message, transfer)
    },
    onMessage: (receive) => work.onMessage(receive),
    onFailure: (fail) => work.onFailure(fail),
    leave: () => work.leave(),
  })
  return {
    count: threads.count,
    enter() {
      const work = threads.enter()
      return work && watchedWork(work)
    },
  }
}

describe('a home brought back by threads', () => {
  test('is equal in names, modes, times and bytes, and blocks of short files are fetched once', async () => {
    fill()
    const before = tree(home)
    let jobs = 0
    const service = await lose(watched((kind) => void (jobs += kind === 'restore' ? 1 : 0)))
    const ranges: string[] = []
    const get = platform.store.get.bind(platform.store)
    platform.store.get = async (key, how) => {
      if (key.includes('/packs/') && how?.range !== undefined) ranges.push(`${key} ${how.range.offset}`)
      return await get(key, how)
    }
    expect(await restore(service)).toMatchObject({ step: 'verified' })
    const after = tree(home)
    expect(after.map(({ path, mode, mtimeNs }) => ({ path, mode, mtimeNs }))).toEqual(
      before.map(({ path, mode, mtimeNs }) => ({ path, mode, mtimeNs })),
    )
    for (const [at, { path, bytes }] of after.entries())
      expect([path, bytes?.equals(before[at]?.bytes ?? Buffer.of()) ?? true]).toEqual([path, true])
    expect(jobs).toBeGreaterThan(4)
    expect(ranges.length).toBeGreaterThan(20)
    // One that a longer file ends in is fetched with that file, too.
    expect(ranges.length - new Set(ranges).size).toBeLessThanOrEqual(7)
  }, 120_000)

  test('keeps the holes of its files', async () => {
    fill()
    const service = await lose(threads)
    await restore(service)
    for (const name of ['sparse', 'ends-in-a-hole']) {
      const { blocks, size } = lstatSync(join(home, name))
      expect([name, blocks * 512 < size / 10]).toEqual([name, true])
    }
  }, 120_000)

  test('lacks what is damaged in the store, which is named, and nothing else; nothing temporary is left', async () => {
    fill()
    const before = tree(home)
    const service = await lose(threads)
    const packs = [...platform.store.keys()].filter((key) => key.includes('/packs/'))
    const damaged = packs.toSorted((a, b) => sizeOf(b) - sizeOf(a))[0] as string
    const bytes = Buffer.from(platform.store.peek(damaged) ?? Buffer.of())
    // In the middle of some block.
    bytes[Math.floor(bytes.length / 2)] = (bytes[Math.floor(bytes.length / 2)] as number) ^ 1
    platform.store.replace(damaged, bytes)
    const step = await restore(service)
    expect(step).toMatchObject({ step: 'verified' })
    const { create: named } = (step.step === 'verified' ? step.damaged?.counts['files'] : undefined) ?? { create: 0 }
    const after = new Map(tree(home).map((entry) => [entry.path, entry]))
    const missing = before.filter(({ path }) => !after.has(path)).map(({ path }) => path)
    expect(missing.length).toBeGreaterThan(0)
    expect(missing.length).toBeLessThan(200)
    expect(named).toBe(missing.length)
    for (const { path } of after.values()) expect(path).not.toContain('.toriki-')
    for (const { path, bytes: was } of before)
      if (after.has(path))
        expect([path, after.get(path)?.bytes?.equals(was ?? Buffer.of()) ?? true]).toEqual([path, true])
  }, 120_000)

  test('is whole also where the threads die while they work', async () => {
    fill()
    const before = tree(home)
    const dying = workerThreads(new URL('../../../lib/chunk-thread.ts', import.meta.url), 2)
    const service = await lose(threads)
    let jobs = 0
    const watching: Threads = {
      count: 2,
      enter() {
        const work = dying.enter()
        return (
          work && {
            post(thread, message, transfer) {
              work.post(thread, message, transfer)
              if ((message as { kind: string }).kind === 'restore' && ++jobs === 3) void dying.close()
            },
            onMessage: (receive) => work.onMessage(receive),
            onFailure: (fail) => work.onFailure(fail),
            leave: () => work.leave(),
          }
        )
      },
    }
    const repository = await openDeployment({ ...platform, threads: watching }, { name: 'campus' })
    expect(await restore({ ...service, repository })).toMatchObject({ step: 'verified' })
    expect(jobs).toBeGreaterThanOrEqual(3)
    const after = tree(home)
    expect(after.map(({ path }) => path)).toEqual(before.map(({ path }) => path))
    for (const [at, { path, bytes }] of after.entries())
      expect([path, bytes?.equals(before[at]?.bytes ?? Buffer.of()) ?? true]).toEqual([path, true])
    await dying.close()
  }, 120_000)
})
