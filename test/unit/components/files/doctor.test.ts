import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { filesComponent } from '../../../../lib/components/files/component.ts'
import { bestGround, findGround, groundOf } from '../../../../lib/components/files/ground.ts'
import type { Ground } from '../../../../lib/components/files/ground.ts'
import type { Check } from '../../../../lib/components/component.ts'
import { TorikiError } from '../../../../lib/errors.ts'
import type { FilesSettings } from '../../../../lib/settings.ts'
import { makeScratch } from '../../../kit/homes/scratch.ts'

let scratch: ReturnType<typeof makeScratch>
let root: string
beforeEach(() => {
  scratch = makeScratch()
  root = join(scratch.path, 'root')
  mkdirSync(join(root, 'home', 'ann'), { recursive: true })
})
afterEach(() => scratch.remove())

async function checks(
  changed: Partial<FilesSettings> = {},
  options: { ground?: Ground; ownFolders?: string[] } = {},
): Promise<Check[]> {
  const found: Check[] = []
  const component = filesComponent(
    { root, home: 'home/{user}', exclude: [], excludeDefaults: true, ...changed },
    options,
  )
  for await (const check of component.doctor()) found.push(check)
  return found
}

async function failing(...given: Parameters<typeof checks>): Promise<string[]> {
  return (await checks(...given)).filter(({ ok }) => !ok).map(({ check }) => check)
}

describe('the doctor of files', () => {
  test('finds nothing wrong with a root full of homes, and counts them', async () => {
    mkdirSync(join(root, 'home', 'bob'))
    expect(await failing()).toEqual([])
    expect((await checks()).map(({ check }) => check)).toContain('files: homes found: 2')
  })

  test.each([
    ['a root that is missing', () => ({ root: join(scratch.path, 'gone') }), 'files: root present'],
    ['a root that is a file', () => ({ root: fileIn(scratch.path) }), 'files: root present'],
    ['a root without homes’ folder', () => ({ root: join(root, 'home') }), 'files: homes found'],
    ['a folder without homes', () => ({ home: 'home/claim-{user}' }), 'files: homes found: 0'],
  ])('fails for %s, with a remedy', async (_what, changed, expected) => {
    expect(await failing(changed())).toEqual([expected])
    for (const { ok, remedy } of await checks(changed())) if (!ok) expect(remedy).toMatch(/\w/)
  })

  test('warns of a missing folder of shared directories only, since Nebari makes it later', async () => {
    const check = (await checks({ group: 'shared/{group}' })).find(({ check: name }) =>
      name.includes('shared directories'),
    )
    expect(check).toMatchObject({ ok: true, remedy: expect.stringContaining('files.group') })
  })

  test('names links in the place of homes, and entries that are nobody’s', async () => {
    symlinkSync('ann', join(root, 'home', 'eve'))
    fileIn(join(root, 'home'))
    expect(await failing()).toEqual(['files: homes are directories'])
    expect((await checks()).find(({ check }) => check.includes('nothing else'))).toMatchObject({
      ok: true,
      remedy: expect.stringContaining('1 entries'),
    })
  })

  test('fails when the store and the root lie in each other', async () => {
    expect(await failing({}, { ownFolders: [join(scratch.path, 'store'), join(scratch.path, 'roots')] })).toEqual([])
    for (const folder of [root, join(root, 'store', 'not made yet'), scratch.path]) {
      expect([folder, await failing({}, { ownFolders: [folder] })]).toEqual([
        folder,
        ['files: our own folders lie apart from the root'],
      ])
    }
  })

  test('warns where homes are reached with less than all', async () => {
    const warned = async (ground: Ground): Promise<string | undefined> =>
      (await checks({}, { ground })).find(({ check }) => check.includes('safely'))?.remedy
    expect(await warned(groundOf('path', undefined))).toContain('Linux only')
    if (process.platform === 'linux') expect(await warned(groundOf('proc', undefined))).toContain('koffi')
  })

  test('says what is missing where homes cannot be walked at all', async () => {
    const ground = {
      kind: 'path' as const,
      open: () => {
        throw new TorikiError('home-unreadable', { message: 'Not as root.' })
      },
    }
    expect(await failing({}, { ground })).toEqual(['files: root present'])
  })

  test('advises to mount read-only what could be written to', async () => {
    const line = async (): Promise<object | undefined> =>
      (await checks()).find(({ check }) => check === 'files: root can only be read')
    expect(await line()).toMatchObject({ ok: true, remedy: expect.stringContaining('read-only') })
    if (process.geteuid?.() === 0) return // root may write wherever the mount lets him
    chmodSync(root, 0o555)
    expect(await line()).toEqual({ check: 'files: root can only be read', ok: true })
    chmodSync(root, 0o755)
  })

  test('counts homes that may not be read', async () => {
    chmodSync(join(root, 'home', 'ann'), 0o000)
    expect(await failing()).toEqual(process.geteuid?.() === 0 ? [] : ['files: homes may be read'])
  })
})

describe('the way into homes', () => {
  test('is by handle on Linux, the best that the kernel has', async () => {
    const { kind } = await findGround()
    if (process.platform === 'linux') expect(['openat2', 'native', 'proc']).toContain(kind)
    else expect(kind).toBe('path')
  })

  test('is by path only where there are no handles, and then never as root', () => {
    expect(bestGround({ hasHandles: true, isRoot: true, native: undefined }).kind).toBe('proc')
    expect(bestGround({ hasHandles: false, isRoot: false, native: undefined }).kind).toBe('path')
    expect(() => bestGround({ hasHandles: false, isRoot: true, native: undefined })).toThrow(
      expect.objectContaining({ code: 'source-version' }),
    )
  })
})

function fileIn(folder: string): string {
  writeFileSync(join(folder, 'a file'), '')
  return join(folder, 'a file')
}
