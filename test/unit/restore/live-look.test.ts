import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { filesComponent } from '../../../lib/components/files/component.ts'
import { filesWriter } from '../../../lib/components/files/write/writer.ts'
import { systemClock } from '../../../lib/platform/clock.ts'
import type { Threads } from '../../../lib/platform/threads.ts'
import { workerThreads } from '../../../lib/platform/worker-threads.ts'
import type { WorkerThreads } from '../../../lib/platform/worker-threads.ts'
import { createDeployment, openDeployment } from '../../../lib/repository/deployment-repository.ts'
import type { FileReading } from '../../../lib/resources/file-reading.ts'
import { formatKey } from '../../../lib/resources/key.ts'
import type { ResourceKey } from '../../../lib/resources/key.ts'
import { userSlice } from '../../../lib/resources/slice.ts'
import { keepLook, lookAt } from '../../../lib/restore/live-look.ts'
import type { Look, LookRequest } from '../../../lib/restore/live-look.ts'
import type { RestoreService } from '../../../lib/restore/service.ts'
import { memoryPlatform } from '../../kit/memory-platform.ts'
import type { MemoryPlatform } from '../../kit/memory-platform.ts'
import { seededRandom } from '../../kit/seeded-random.ts'

const ann = userSlice('ann')
const random = seededRandom('live-look')
const settings = { home: '{user}', exclude: [], excludeDefaults: false }

let threads: WorkerThreads
let root: string
let home: string
let platform: MemoryPlatform
let keys: ResourceKey[]
let stopping: AbortController
beforeAll(() => {
  threads = workerThreads(new URL('../../../lib/chunk-thread.ts', import.meta.url), 2)
})
afterAll(async () => await threads.close())
beforeEach(async () => {
  stopping = new AbortController()
  root = mkdtempSync(join(tmpdir(), 'toriki-look-'))
  home = join(root, 'ann')
  fill()
  platform = memoryPlatform({ clock: systemClock })
  await createDeployment(platform, { name: 'campus', settings: {} })
  keys = []
  const component = filesComponent({ ...settings, root })
  const context = { clock: systemClock, signal: new AbortController().signal, note: () => undefined }
  for await (const { key } of component.read(ann, context)) keys.push(key)
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

/** Far more than one thread would be left alone with, and one that needs a list of its chunks. */
function fill(): void {
  mkdirSync(home)
  for (let folder = 0; folder < 4; folder++) {
    const path = join(home, `folder-${folder}`)
    mkdirSync(path)
    for (let file = 0; file < 90; file++) writeFileSync(join(path, `small-${file}`), `${folder} ${'x'.repeat(file)}`)
    writeFileSync(join(path, 'middle'), random.bytes(900_000 + folder))
    symlinkSync('middle', join(path, 'link'))
  }
  writeFileSync(join(home, 'large'), random.bytes(24 * 1024 * 1024))
  writeFileSync(join(home, 'sparse'), 'x')
  truncateSync(join(home, 'sparse'), 3_000_000)
  appendFileSync(join(home, 'sparse'), 'end')
}

interface Looked {
  readonly look: Look
  readonly given: number
}

async function look(how: 'kept' | 'passing', on?: Threads, during?: (given: number) => void): Promise<Looked> {
  const { signal } = stopping
  const own = { ...platform, ...(on === undefined ? {} : { threads: on }) }
  const service: RestoreService = {
    platform: own,
    repository: await openDeployment(own, { name: 'campus' }),
    components: [],
    writers: [],
    limits: { attempts: 1 },
  }
  const generation = (await service.repository.openSlice(ann.name, { access: 'write' })).generation
  const writer = filesWriter({ ...settings, root })
  let given = 0
  const counting = (reading: FileReading): FileReading => ({
    take(file) {
      const pending = reading.take(file)
      if (pending !== undefined) {
        given++
        during?.(given)
      }
      return pending
    },
    send: () => reading.send(),
  })
  const request: LookRequest = {
    ...{ slice: ann, generation, components: ['files'], signal },
    read: (_name, reading) =>
      writer.look(ann, asked(), {
        ...{ clock: systemClock, signal, restore: 'r1', options: { installerOwned: false, privileged: false } },
        ...(reading === undefined ? {} : { reading: counting(reading) }),
      }),
  }
  const done = how === 'kept' ? await keepLook(service, 'r1', request) : await lookAt(service, request)
  return { look: done, given }
}

async function* asked(): AsyncGenerator<ResourceKey> {
  yield* await Promise.resolve(keys)
}

function rootOf({ look: { snapshot } }: Looked): string | undefined {
  return snapshot.components['files']?.root
}

describe('a look at live files on other threads', () => {
  test('sees what a look on one thread sees, and stores nothing', async () => {
    const alone = await look('passing')
    const before = platform.store.keys().length
    const together = await look('passing', threads)
    expect(together.given).toBeGreaterThan(100)
    expect(rootOf(together)).toBe(rootOf(alone))
    expect(platform.store.keys()).toHaveLength(before)
  })

  test('holds no content, however much it reads', async () => {
    const { look: one } = await look('passing', threads)
    for await (const { key, content } of one.repository.resources(one.snapshot, 'files')) {
      if (content === undefined || formatKey(key) !== 'large') continue
      const reading = one.repository.content(content)[Symbol.asyncIterator]()
      await expect(reading.next()).rejects.toMatchObject({ code: 'object-not-found' })
      return
    }
    throw new Error('the large file was not seen')
  })

  test('that is kept sees the same, and brings it back byte by byte', async () => {
    const alone = await look('passing')
    const together = await look('kept', threads)
    expect(together.given).toBeGreaterThan(100)
    expect(rootOf(together)).toBe(rootOf(alone))
    const { repository, snapshot } = together.look
    let files = 0
    for await (const { key, content } of repository.resources(snapshot, 'files')) {
      if (content === undefined) continue
      const pieces: Buffer[] = []
      for await (const part of repository.content(content))
        pieces.push('holeBytes' in part ? Buffer.alloc(part.holeBytes) : Buffer.from(part))
      const path = formatKey(key)
      files++
      expect([path, Buffer.concat(pieces).equals(readFileSync(join(home, path)))]).toEqual([path, true])
    }
    expect(files).toBeGreaterThan(360)
  })

  test('ends when it is aborted while others read', async () => {
    const stop = (given: number): void => {
      if (given === 50) stopping.abort()
    }
    await expect(look('passing', threads, stop)).rejects.toMatchObject({ code: 'interrupted' })
  })
})
