import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { toriki } from '../../../kit/command-line.ts'

const folder = mkdtempSync(join(tmpdir(), 'toriki-check-'))
const settings = join(folder, 'toriki.yaml')
const root = join(folder, 'nebari')
const store = join(folder, 'toriki-data')

beforeAll(async () => {
  for (const path of ['home/ann/notes', 'home/ben']) mkdirSync(join(root, path), { recursive: true })
  // More than stands in a snapshot object.
  for (let at = 0; at < 900; at++) writeFileSync(join(root, `home/ann/notes/${at}.md`), `note ${at}\n`)
  writeFileSync(join(root, 'home/ben/data.csv'), 'a,b\n1,2\n')
  await toriki(settings, ['init', '--deployment', 'test', '--files-root', root])
  expect(await toriki(settings, ['--json', 'backup'])).toMatchObject({ status: 0 })
}, 60_000)

afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Objects of the store, by the folder they lie in. */
function objects(name: string): readonly string[] {
  return readdirSync(store, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.includes(`/${name}/`) && path.startsWith('slices/'))
    .map((path) => join(store, path))
}

describe('toriki check', () => {
  test('says that what is stored is sound, with status 0', async () => {
    const { status, out } = await toriki(settings, ['check', '--read-data'])
    expect([status, out]).toEqual([0, expect.stringMatching(/^2 histories, \d+ objects, .* read: sound\.\n$/)])
  })

  test('names the file that a damaged pack hits, for people and in JSON, with status 1', async () => {
    const [pack = ''] = objects('packs')
    const whole = readFileSync(pack)
    const damaged = Buffer.from(whole)
    damaged[200]! ^= 1
    rmSync(pack)
    writeFileSync(pack, damaged)
    const { status, out } = await toriki(settings, ['check', '--read-data', '--user', 'ann'])
    expect([status, out]).toEqual([1, expect.stringContaining('files notes/')])
    const { damage } = (await toriki(settings, ['--json', 'check', '--read-data'])).json<{
      readonly damage: readonly object[]
    }>()
    expect(damage).toContainEqual({
      slice: 'user/ann',
      snapshot: expect.stringMatching(/^user\/ann@/) as unknown,
      component: 'files',
      key: expect.stringMatching(/^notes\//) as unknown,
      what: 'Its content cannot be read whole.',
    })
    rmSync(pack)
    writeFileSync(pack, whole)
    expect((await toriki(settings, ['check', '--read-data'])).status).toBe(0)
  })

  test('a snapshot that the last run made and that is gone is told', async () => {
    const snapshot = objects('snapshots').find((path) => readFileSync(path).length < 5_000) ?? ''
    const whole = readFileSync(snapshot)
    rmSync(snapshot)
    const { status, out } = await toriki(settings, ['check'])
    expect([status, out]).toEqual([1, expect.stringContaining('A run says')])
    writeFileSync(snapshot, whole)
  })

  test.each(['0', '101', 'all'])('refuses --read-data %s', async (percent) => {
    const { status, err } = await toriki(settings, ['check', '--read-data', percent])
    expect([status, err]).toEqual([2, expect.stringContaining('percentage from 1 to 100')])
  })
})

describe('toriki prune', () => {
  test('without --apply says what would go and changes nothing; with it condemns first', async () => {
    const [pack = ''] = objects('packs')
    const stray = join(pack, '..', 'strayobjectofacrashedbackup')
    writeFileSync(stray, Buffer.alloc(5_000))
    const twoDaysAgo = new Date(Date.now() - 2 * 24 * 3600 * 1000)
    utimesSync(stray, twoDaysAgo, twoDaysAgo)
    const dry = await toriki(settings, ['prune'])
    expect([dry.status, dry.out]).toEqual([0, expect.stringContaining('Would condemn')])
    expect(dry.out).toContain('1 pack (4.9 KiB)')
    expect(objects('condemned')).toEqual([])
    const { status, ...result } = await toriki(settings, ['--json', 'prune', '--apply'])
    expect([status, result.json()]).toEqual([
      0,
      expect.objectContaining({
        applied: true,
        slices: 2,
        condemned: expect.objectContaining({ packs: 1, bytes: 5_000 }),
      }),
    ])
    expect(objects('condemned')).toHaveLength(1)
    expect((await toriki(settings, ['check', '--read-data', '--user', 'ben'])).status).toBe(0)
  })
})
