import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { filesComponent } from '../../../../lib/components/files/component.ts'
import { changeDemoHomes, demoGroupNames, demoUserNames, makeDemoHomes } from '../../../../lib/embedded/demo/homes.ts'
import { groupSlice, userSlice } from '../../../../lib/resources/slice.ts'
import { notesOf, readSlice } from '../../../kit/homes/read-files.ts'
import { makeScratch } from '../../../kit/homes/scratch.ts'

let scratch: ReturnType<typeof makeScratch>
beforeEach(() => {
  scratch = makeScratch()
})
afterEach(() => scratch.remove())

/** Everything a backup would see: written path → state and content. */
async function seen(root: string, users: number): Promise<Record<string, string>> {
  const component = filesComponent({
    root,
    home: 'home/{user}',
    group: 'shared/{group}',
    exclude: [],
    excludeDefaults: true,
  })
  const all: Record<string, string> = {}
  for (const slice of [
    ...demoUserNames(users).map((name) => userSlice(name)),
    ...demoGroupNames.map((name) => groupSlice(name)),
  ]) {
    for (const { path, state, data, holes } of (await readSlice(component, slice)).entries.values()) {
      all[`${slice.name} ${path}`] =
        `${JSON.stringify(state)} ${data?.toString('base64') ?? ''} ${JSON.stringify(holes)}`
    }
  }
  return all
}

describe('the demo’s homes', () => {
  test('are the same from the same seed, times included, and others from another', async () => {
    const [one, two, other] = [join(scratch.path, '1'), join(scratch.path, '2'), join(scratch.path, '3')]
    for (const root of [one, two]) await makeDemoHomes({ root, users: 5, seed: 'nebari' })
    await makeDemoHomes({ root: other, users: 5, seed: 'other' })
    expect(await seen(two, 5)).toEqual(await seen(one, 5))
    expect(await seen(other, 5)).not.toEqual(await seen(one, 5))
  })

  test('hold notebooks, tables, programs, links, a sparse file and what is left out', async () => {
    const homes = await makeDemoHomes({ root: scratch.path, users: 4, seed: 'nebari' })
    const read = await readSlice(
      filesComponent({ root: scratch.path, home: 'home/{user}', exclude: [], excludeDefaults: true }),
      userSlice('ann'),
    )
    const paths = [...read.entries.keys()]
    for (const ending of ['.ipynb', '.csv', '.py', '.md', '.bin'])
      expect(paths.some((path) => path.endsWith(ending))).toBe(true)
    expect(JSON.parse(read.entries.get(homes.exampleFile('ann'))?.data?.toString() ?? '')).toMatchObject({
      nbformat: 4,
    })
    expect(read.entries.get('latest.ipynb')?.state).toMatchObject({ type: 'link', target: homes.exampleFile('ann') })
    expect(paths.filter((path) => read.entries.get(path)?.state['hardLinkTo'] !== undefined)).toHaveLength(1)
    expect(read.entries.get('scratch/grid.dat')?.holes.length).toBeGreaterThan(0)
    expect(read.entries.get('private/diary.txt')?.state).toMatchObject({ mode: '0600' })
    expect(notesOf(read, 'left-out')).toEqual(['.bashrc', '.cache', '.jupyter/jupyter_config.json', 'shared'])
    expect(homes.files).toBeGreaterThan(4 * 9)
    expect(homes.bytes).toBeGreaterThan(100_000)
  })

  test('change between two backups as they say, in a few people’s homes only', async () => {
    const options = { root: scratch.path, users: 6, seed: 'nebari' }
    const homes = await makeDemoHomes(options)
    const before = await seen(scratch.path, 6)
    const changes = await changeDemoHomes(options)
    const after = await seen(scratch.path, 6)
    const touched = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(
      (key) => before[key] !== after[key],
    )
    expect([...new Set(touched.map((key) => key.split(' ')[0] ?? ''))].sort()).toEqual([
      'group/analyst',
      'user/ann',
      'user/ben',
      'user/carla',
    ])
    expect(changes).toHaveLength(4)
    for (const user of demoUserNames(6))
      expect(readFileSync(join(scratch.path, 'home', user, homes.exampleFile(user))).length).toBeGreaterThan(0)
  })

  test('belong to as many people as asked, each with a name of their own', () => {
    expect(demoUserNames(3)).toEqual(['ann', 'ben', 'carla'])
    const many = demoUserNames(1000)
    expect(new Set(many).size).toBe(1000)
    for (const name of many) expect(name).toMatch(/^[a-z][a-z0-9.-]*$/)
  })
})
