import { execFileSync } from 'node:child_process'
import { mkdir, readdir, stat, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from '@jest/globals'
import { systemClock } from '../../../../lib/platform/clock.ts'
import { LocalObjectStore } from '../../../../lib/platform/object-store/local.ts'
import { systemRandom } from '../../../../lib/platform/random.ts'
import { FakeClock } from '../../../kit/fake-clock.ts'
import { temporaryFolder } from '../../../kit/temporary-folder.ts'

describe('the local object store', () => {
  let folder: string
  let store: LocalObjectStore
  beforeEach(async () => {
    folder = join(await temporaryFolder(), 'on', 'a', 'disk')
    store = new LocalObjectStore({ folder, clock: systemClock, random: systemRandom })
  })
  const modeOf = async (...path: string[]): Promise<string> =>
    ((await stat(join(folder, ...path))).mode & 0o777).toString(8)
  const keys = async (): Promise<string[]> => (await store.list('')).objects.map(({ key }) => key)

  test('reading, listing and deleting make nothing: a store that is not mounted stays as it is', async () => {
    expect(await keys()).toEqual([])
    await expect(store.get('a/b')).rejects.toMatchObject({ code: 'object-not-found' })
    await store.delete('a/b')
    await expect(stat(folder)).rejects.toMatchObject({ code: 'ENOENT' })
  })

  test('files and directories are for their owner only', async () => {
    await store.create('a/b/c', Buffer.from('x'))
    expect([await modeOf(), await modeOf('a'), await modeOf('a', 'b'), await modeOf('.tmp')]).toEqual([
      '700',
      '700',
      '700',
      '700',
    ])
    expect(await modeOf('a', 'b', 'c')).toBe('600')
  })

  test('no temporary file stays behind, whether a create wins or loses', async () => {
    await store.create('a/b', Buffer.from('x'))
    await expect(store.create('a/b', Buffer.from('y'))).rejects.toMatchObject({ code: 'object-exists' })
    await expect(store.create('a/b/c', Buffer.from('y'))).rejects.toMatchObject({ code: 'store-refused' })
    expect(await readdir(join(folder, '.tmp'))).toEqual([])
  })

  test('at its first create it sweeps temporary files older than a day, and leaves younger ones to their writers', async () => {
    await mkdir(join(folder, '.tmp'), { recursive: true })
    const write = async (name: string, ageHours: number): Promise<void> => {
      await writeFile(join(folder, '.tmp', name), 'x')
      const at = new Date(Date.now() - ageHours * 3_600_000)
      await utimes(join(folder, '.tmp', name), at, at)
    }
    await write('1-dead', 25)
    await write('2-alive', 23)
    await store.create('a', Buffer.from('x'))
    expect(await readdir(join(folder, '.tmp'))).toEqual(['2-alive'])
  })

  test('an object has the time of the clock that was given, whatever the file system thinks', async () => {
    const clock = new FakeClock({ start: '2031-05-06T07:08:09.123Z' })
    await new LocalObjectStore({ folder, clock, random: systemRandom }).create('a', Buffer.from('x'))
    expect((await store.list('')).objects[0]?.modifiedAt.toISOString()).toBe('2031-05-06T07:08:09.123Z')
  })

  test('links that somebody planted are neither read nor listed nor walked', async () => {
    await mkdir(folder, { recursive: true })
    await mkdir(join(folder, '..', 'elsewhere'))
    await writeFile(join(folder, '..', 'elsewhere', 'secret'), 'secret')
    await symlink('../elsewhere/secret', join(folder, 'file'))
    await symlink('../elsewhere', join(folder, 'directory'))
    await expect(store.get('file')).rejects.toMatchObject({ code: 'store-refused' })
    await expect(store.create('file', Buffer.from('x'))).rejects.toMatchObject({ code: 'store-refused' })
    expect(await keys()).toEqual([])
    expect(await readdir(join(folder, '..', 'elsewhere'))).toEqual(['secret'])
  })

  test('a pipe that somebody planted is refused and nobody waits for it', async () => {
    await mkdir(folder, { recursive: true })
    execFileSync('mkfifo', [join(folder, 'pipe')])
    await expect(store.get('pipe')).rejects.toMatchObject({ code: 'store-refused' })
    expect(await keys()).toEqual([])
  })

  test('names that are no keys are passed over', async () => {
    await store.create('good', Buffer.from('x'))
    for (const name of ['.nfs0001', '.hidden', 'ä', 'with space', 'x~']) await writeFile(join(folder, name), 'x')
    expect(await keys()).toEqual(['good'])
  })

  test('what has the name of an object but is a directory is refused with a remedy', async () => {
    await store.create('a/b', Buffer.from('x'))
    await expect(store.create('a', Buffer.from('x'))).rejects.toMatchObject({
      code: 'store-refused',
      remedy: expect.stringContaining('Remove'),
    })
  })

  test('directories that a delete left empty are removed, the folder itself is not', async () => {
    await store.create('a/b/c/d', Buffer.from('x'))
    await store.create('a/e', Buffer.from('x'))
    await store.delete('a/b/c/d')
    expect(await readdir(join(folder, 'a'))).toEqual(['e'])
    await store.delete('a/e')
    expect(await readdir(folder)).toEqual(['.tmp'])
  })

  test('a folder where a file stands is refused by a create, and a later create succeeds when it is mended', async () => {
    const parent = await temporaryFolder()
    await writeFile(join(parent, 'file'), '')
    const blocked = new LocalObjectStore({
      folder: join(parent, 'file', 'store'),
      clock: systemClock,
      random: systemRandom,
    })
    await expect(blocked.create('a', Buffer.from('x'))).rejects.toMatchObject({ code: 'store-refused' })
    execFileSync('rm', [join(parent, 'file')])
    await blocked.create('a', Buffer.from('x'))
    expect((await blocked.get('a')).toString()).toBe('x')
  })
})
