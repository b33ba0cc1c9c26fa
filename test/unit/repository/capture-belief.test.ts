import { describe, expect, test } from '@jest/globals'
import { recordObjectStore } from '../../../lib/platform/object-store/record.ts'
import { openDeployment } from '../../../lib/repository/deployment-repository.ts'
import { account, home, signal, sliceHouse } from '../../kit/slice-house.ts'
import { backUp, storeAll } from '../../kit/slice-source.ts'
import type { SliceRepository } from '../../../lib/repository/repository.ts'
import type { Things } from '../../kit/slice-source.ts'

describe('belief', () => {
  const trustedIn = async (repository: SliceRepository, component: string): Promise<string | undefined> =>
    (await repository.latest(component))?.id

  async function night(
    repository: SliceRepository,
    run: string,
    things: Things,
    reason?: string,
  ): Promise<number | undefined> {
    const capture = await repository.capture({ run, signal })
    const trusted = capture.trusted('files')?.resources
    await storeAll(capture, { files: things, keycloak: account })
    if (reason !== undefined) capture.suspect('files', reason)
    await capture.commit([])
    return trusted
  }

  test('compares with the newest state that was believed, however many nights were not', async () => {
    const { ann } = await sliceHouse()
    expect(await night(ann, 'run-1', home)).toBeUndefined()
    expect(await night(ann, 'run-2', {}, 'emptied')).toBe(3)
    expect(await night(ann, 'run-3', {}, 'emptied')).toBe(3)
    expect(await night(ann, 'run-4', {}, 'emptied')).toBe(3)
    expect(await trustedIn(ann, 'files')).toBe('run-1.1')
    expect(await trustedIn(ann, 'keycloak')).toBe('run-4.1')
    await ann.accept('run-3.1')
    await ann.accept('run-3.1')
    expect(await trustedIn(ann, 'files')).toBe('run-3.1')
    expect((await ann.snapshot('run-3.1')).accepted).toBe(true)
    expect(await night(ann, 'run-5', {})).toBe(0)
    expect(await night(ann, 'run-6', home)).toBe(0)
  })

  test('reads no more snapshots than it must', async () => {
    const house = await sliceHouse()
    await night(house.ann, 'run-1', home)
    for (let at = 2; at <= 9; at++) await night(house.ann, `run-${at}`, {}, 'emptied')
    const store = recordObjectStore(house.platform.store)
    const deployment = await openDeployment({ ...house.platform, store, keyStore: store }, { name: 'campus' })
    const ann = await deployment.openSlice('user/ann', { access: 'write' })
    store.reset()
    expect(await night(ann, 'run-9a', home)).toBe(3)
    expect(store.record.get).toBe(2)
  })

  test('finds what a component had before it was missing, and what a late attempt of an earlier run added', async () => {
    const { ann } = await sliceHouse()
    await night(ann, 'run-1', home)
    await backUp(ann, 'run-2', { keycloak: account }, [{ component: 'files', code: 'root-missing' }])
    await backUp(ann, 'run-3', { keycloak: account }, [{ component: 'files', code: 'root-missing' }])
    expect((await ann.capture({ run: 'run-4', signal })).trusted('files')?.resources).toBe(3)
    const late = await ann.capture({ run: 'run-2', signal })
    await storeAll(late, { files: { ...home, late: {} } })
    await late.commit([])
    expect((await ann.capture({ run: 'run-4', signal })).trusted('files')?.resources).toBe(4)
    expect((await ann.capture({ run: 'run-4', signal })).trusted('conda-store')).toBeUndefined()
  })
})
