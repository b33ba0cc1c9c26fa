/** What is damaged in the store is refused by name; everything else is brought and proven. */
import { randomBytes } from 'node:crypto'
import { existsSync, linkSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { beforeEach, describe, expect, test } from '@jest/globals'
import { findWritingCalls } from '../../../lib/components/files/write/writing-calls.ts'
import { loadSliceKeys } from '../../../lib/repository/key-objects.ts'
import { PackReader } from '../../../lib/repository/pack-reader.ts'
import { readPackTable } from '../../../lib/repository/pack-table.ts'
import type { BlockDescription } from '../../../lib/repository/pack-table.ts'
import type { MemoryObjectStore } from '../../../lib/platform/object-store/memory.ts'
import type { Resource } from '../../../lib/resources/resource.ts'
import { Notes } from '../../../lib/repository/notes.ts'
import { thingKey } from '../../kit/fake-writer.ts'
import { restoreHouse } from '../../kit/restore-house.ts'
import { filesHouse } from '../../kit/homes/files-house.ts'
import type { FilesHouse } from '../../kit/homes/files-house.ts'
import { temporaryFolder } from '../../kit/temporary-folder.ts'

const RUNS = ['20260301T020000000Z-full-0123456789', '20260302T020000000Z-full-0123456789'] as const
let house: FilesHouse
let store: MemoryObjectStore

beforeEach(async () => {
  house = await filesHouse({ root: await temporaryFolder(), calls: await findWritingCalls() })
  store = house.service.platform.store as MemoryObjectStore
})

const write = (name: string, bytes: string | Buffer): void => writeFileSync(house.at(name), bytes)
const read = (name: string): string => readFileSync(house.at(name), 'latin1')
const sliceId = (): string => house.service.repository.sliceId('user/ann', 1)
const objects = (folder: string): readonly string[] =>
  store.keys().filter((key) => key.startsWith(`slices/${sliceId()}/${folder}/`))

function flip(key: string, at: number): void {
  const bytes = store.peek(key) as Buffer
  bytes[at] = (bytes[at] as number) ^ 1
  store.replace(key, bytes)
}

/** The blocks of the only pack of that sort, each with its chunks. */
async function blocksOf(
  sort: 'tree' | 'content',
): Promise<{ key: string; blocks: (BlockDescription & { chunks: number })[] }> {
  const [key, ...more] = objects(sort === 'tree' ? 'trees' : 'packs')
  if (key === undefined || more.length > 0) throw new Error('one pack, please')
  const { platform, repository } = house.service
  const place = { store: platform.keyStore, service: platform.keys, deploymentId: repository.id, sliceId: sliceId() }
  const loaded = await loadSliceKeys({ ...place, access: 'read-content' })
  if (loaded === undefined) throw new Error('no keys')
  const reader = new PackReader({ store, sliceId: sliceId(), keys: loaded.keys })
  const blocks: (BlockDescription & { chunks: number })[] = []
  const name = key.slice(key.lastIndexOf('/') + 1)
  readPackTable(await reader.table(sort, name, store.peek(key)?.length ?? 0), {
    block: (block) => blocks.push({ ...block, chunks: 0 }),
    chunk: () => blocks.at(-1)!.chunks++,
  })
  return { key, blocks }
}

function leftBeside(): readonly string[] {
  return readdirSync(house.home, { recursive: true, encoding: 'utf8' }).filter((name) => name.includes('.toriki-'))
}

describe('a damaged content', () => {
  const [first, second] = [randomBytes(1_200_000), randomBytes(1_300_000)]
  beforeEach(async () => {
    mkdirSync(house.at('d'))
    write('d/a', first)
    write('d/b', second)
    write('d/c', 'small')
    await house.backUp(RUNS[0])
    const { key, blocks } = await blocksOf('content')
    flip(key, (blocks[0] as BlockDescription).offset + 100)
  })

  const damagedA = {
    step: 'verified',
    damaged: { counts: { files: { create: 1, update: 0 } }, findings: [{ component: 'files', key: 'd/a' }] },
  }

  test('is left out, named, and everything else is brought', async () => {
    rmSync(house.at('d'), { recursive: true })
    const { restore } = await house.plan()
    expect(await house.apply(restore)).toMatchObject(damagedA)
    expect(existsSync(house.at('d/a'))).toBe(false)
    expect(readFileSync(house.at('d/b')).equals(second)).toBe(true)
    expect(read('d/c')).toBe('small')
    expect(leftBeside()).toEqual([])
  })

  test('leaves the file that stands there as it is', async () => {
    write('d/a', 'what ann has now')
    write('d/c', 'spoilt')
    const { restore } = await house.plan()
    expect(await house.apply(restore)).toMatchObject({
      step: 'verified',
      damaged: { counts: { files: { create: 0, update: 1 } }, findings: [{ key: 'd/a' }] },
    })
    expect(read('d/a')).toBe('what ann has now')
    expect(read('d/c')).toBe('small')
    expect(leftBeside()).toEqual([])
  })

  test('is told by whoever goes on after a cut, too', async () => {
    rmSync(house.at('d'), { recursive: true })
    const { restore } = await house.plan()
    house.cut.cutAt(12)
    const step = await house.apply(restore, () => house.cut.cutAt(undefined))
    expect(step).toMatchObject(damagedA)
    expect(readFileSync(house.at('d/b')).equals(second)).toBe(true)
    expect(leftBeside()).toEqual([])
  })

  test('takes other names of the same file with it', async () => {
    linkSync(house.at('d/a'), house.at('d/z'))
    await house.backUp(RUNS[1])
    rmSync(house.at('d'), { recursive: true })
    const { restore } = await house.plan()
    const step = await house.apply(restore)
    expect(step).toMatchObject({ step: 'verified', damaged: { findings: [{ key: 'd/a' }, { key: 'd/z' }] } })
    expect(read('d/c')).toBe('small')
  })
})

describe('a damaged list of names', () => {
  const names = Array.from({ length: 500 }, (_, at) => `file ${String(at).padStart(4, '0')}${'.'.repeat(180)}`)

  /** Flips a byte of one block of tree nodes. */
  async function damage(which: (blocks: readonly BlockDescription[]) => BlockDescription | undefined): Promise<void> {
    for (const name of names) write(name, name.slice(0, 9))
    await house.backUp(RUNS[0])
    const { key, blocks } = await blocksOf('tree')
    const block = which(blocks)
    if (block === undefined) throw new Error('no such block')
    flip(key, block.offset + 100)
  }

  test('is told as ranges, and what lies outside of them is brought', async () => {
    await damage((blocks) => blocks[1])
    for (const name of names) rmSync(house.at(name))
    const { restore, counts } = await house.plan()
    const said = (await house.planned(restore)).filter((line) => line.startsWith('cannot'))
    expect(said.length).toBeGreaterThan(0)
    expect(
      said.every((line) =>
        /^cannot file \d{4}\.+ \d+ resources behind file \d{4}\.+, up to this one, cannot be read/.test(line),
      ),
    ).toBe(true)
    const lost = said.reduce((sum, line) => sum + Number(/ (\d+) resources/.exec(line)?.[1]), 0)
    expect(counts).toMatchObject({ create: names.length - lost, cannot: said.length })
    expect(await house.apply(restore)).toEqual({ step: 'verified' })
    expect(readdirSync(house.home)).toHaveLength(names.length - lost)
  })

  test('is no reason to delete what may have been in it', async () => {
    await damage((blocks) => blocks[1])
    write('file 9999', 'extra')
    const { restore, counts } = await house.plan({ deleteExtra: true })
    expect(counts).toMatchObject({ delete: 1 })
    await house.apply(restore)
    expect(readdirSync(house.home)).toEqual(names)
  })

  test('that is the whole list leaves the component as it is, and says so', async () => {
    await damage((blocks) => blocks.at(-1))
    write(names[0] as string, 'changed')
    const { restore, counts } = await house.plan({ deleteExtra: true })
    expect(counts).toEqual({ create: 0, update: 0, delete: 0, cannot: 1, left: 0, keep: 0 })
    expect(await house.planned(restore)).toEqual([expect.stringContaining('cannot . Nothing of this can be read')])
    await house.apply(restore)
    expect(read(names[0] as string)).toBe('changed')
  })
})

describe('a damaged snapshot', () => {
  test('is passed over for an earlier one, which the plan says', async () => {
    write('a', 'first night')
    await house.backUp(RUNS[0])
    write('a', 'second night')
    await house.backUp(RUNS[1])
    flip(`slices/${sliceId()}/snapshots/${RUNS[1]}.1`, 200)
    write('a', 'spoilt')
    const { restore, snapshots } = await house.plan()
    expect(snapshots).toEqual({ files: `${RUNS[0]}.1` })
    expect(await house.planned(restore)).toContainEqual(
      expect.stringContaining(`The newer snapshot ${RUNS[1]}.1 is damaged`),
    )
    expect(await house.apply(restore)).toEqual({ step: 'verified' })
    expect(read('a')).toBe('first night')
  })

  test('that was asked for by name is refused', async () => {
    write('a', 'one')
    await house.backUp(RUNS[0])
    flip(`slices/${sliceId()}/snapshots/${RUNS[0]}.1`, 200)
    await expect(house.plan({ snapshot: `${RUNS[0]}.1` })).rejects.toMatchObject({ code: 'seal-broken' })
    await expect(house.plan()).rejects.toMatchObject({ code: 'restore-damaged' })
  })
})

describe('a damaged secret', () => {
  test('refuses that account whole, in the plan, and nobody else', async () => {
    const people = await restoreHouse({ home: {}, ann: {}, bob: {} })
    const { repository, platform } = people.service
    const backUp = async (run: string, owner: string): Promise<void> => {
      const writing = await repository.openSlice('user/ann', { access: 'write' })
      const capture = await writing.capture({ run, signal: new AbortController().signal })
      const resources = async function* (): AsyncGenerator<Resource> {
        yield { key: thingKey('home'), state: {} }
        yield { key: thingKey('ann'), state: { owner }, secrets: { password: 'a hash' } }
        yield { key: thingKey('bob'), state: { owner } }
      }
      await capture.store('files', resources(), { notes: new Notes() })
      await capture.commit([])
    }
    // The secret stands in the snapshot of the first night, the rest in that of the second.
    await backUp(RUNS[0], 'first')
    await backUp(RUNS[1], 'second')
    await platform.store.delete(`slices/${repository.sliceId('user/ann', 1)}/snapshots/${RUNS[0]}.1`)
    const { restore, counts } = await people.plan()
    expect(counts).toMatchObject({ update: 1, cannot: 1 })
    expect(await people.apply(restore)).toEqual({ step: 'verified' })
    expect(people.live()).toMatchObject({ ann: {}, bob: { owner: 'second' } })
    expect(people.live()['ann']).not.toHaveProperty('owner')
  })
})
