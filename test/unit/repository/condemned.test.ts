import { describe, expect, test } from '@jest/globals'
import { condemn, packsOf } from '../../kit/condemn.ts'
import { seededRandom } from '../../kit/seeded-random.ts'
import { account, contentsOf, home, signal, sliceHouse } from '../../kit/slice-house.ts'
import { backUp, expected, manyFiles, storeAll } from '../../kit/slice-source.ts'

describe('against prune', () => {
  const large = manyFiles(1500)

  test('condemned packs count as absent: their chunks are stored again', async () => {
    const house = await sliceHouse()
    await backUp(house.ann, 'run-1', { files: large })
    const packs = await packsOf(house.platform, house.deployment, 'user/ann')
    await condemn(house.platform, house.deployment, 'user/ann', { packs })
    await backUp(house.ann, 'run-2', { files: large })
    for (const pack of packs) {
      for (const folder of ['packs', 'trees'])
        await house.platform.store.delete(`slices/${house.ann.sliceId}/${folder}/${pack}`)
    }
    expect(await contentsOf(house, 'run-2.1')).toEqual({ files: expected(large) })
  })

  test('a condemned holder counts as absent, too', async () => {
    const house = await sliceHouse()
    await backUp(house.ann, 'run-1', { files: home })
    await condemn(house.platform, house.deployment, 'user/ann', { snapshots: ['run-1.1'] })
    const { snapshot } = await backUp(house.ann, 'run-2', { files: home })
    expect(snapshot.components['files']?.inlinedIn).toBe('run-2.1')
  })

  test('starts over when something it reused was condemned meanwhile, and not for anything else', async () => {
    const house = await sliceHouse()
    await backUp(house.ann, 'run-1', { files: large, keycloak: account })
    const packs = await packsOf(house.platform, house.deployment, 'user/ann')
    for (const [at, what] of [{ packs: [packs[0]!] }, { packs: [packs[1]!] }, { snapshots: ['run-1.1'] }].entries()) {
      const capture = await house.ann.capture({ run: `run-2-${at}`, signal })
      await storeAll(capture, { files: large, keycloak: account })
      await condemn(house.platform, house.deployment, 'user/ann', what)
      await expect(capture.commit([])).rejects.toMatchObject({ code: 'capture-stale' })
    }
    const capture = await house.ann.capture({ run: 'run-3', signal })
    await storeAll(capture, { files: large, keycloak: account })
    await condemn(house.platform, house.deployment, 'user/ann', { packs: ['another'], snapshots: ['run-0.1'] })
    expect((await capture.commit([])).created).toBe(true)
    expect(await contentsOf(house, 'run-3.1')).toEqual({ files: expected(large), keycloak: expected(account) })
  })

  test('starts over when packs of its own were condemned before it committed', async () => {
    const house = await sliceHouse()
    const capture = await house.ann.capture({ run: 'run-1', signal })
    await storeAll(capture, { files: manyFiles(30, (at) => seededRandom(at).bytes(700_000).toString('latin1')) })
    const packs = await packsOf(house.platform, house.deployment, 'user/ann')
    expect(packs.length).toBeGreaterThan(0)
    await condemn(house.platform, house.deployment, 'user/ann', { packs })
    await expect(capture.commit([])).rejects.toMatchObject({ code: 'capture-stale' })
  })

  test('refuses when half the grace time has passed since the first look', async () => {
    const house = await sliceHouse()
    const capture = await house.ann.capture({ run: 'run-1', signal })
    await storeAll(capture, { files: home })
    await house.clock.advance(12 * 3600_000 + 1)
    await expect(capture.commit([])).rejects.toMatchObject({ code: 'capture-stale' })
    const next = await house.ann.capture({ run: 'run-1', signal })
    await storeAll(next, { files: home })
    await house.clock.advance(12 * 3600_000)
    expect((await next.commit([])).created).toBe(true)
  })
})
