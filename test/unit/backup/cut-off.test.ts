import { beforeEach, describe, expect, test } from '@jest/globals'
import { backupSlice } from '../../../lib/backup/backup-slice.ts'
import { wasCutOff } from '../../../lib/backup/cut-off.ts'
import { startRun } from '../../../lib/backup/start-run.ts'
import { TorikiError } from '../../../lib/errors.ts'
import type { BackupSliceMessage } from '../../../lib/messages.ts'
import { createDeployment } from '../../../lib/repository/deployment-repository.ts'
import { fakeComponent, put } from '../../kit/fake-component.ts'
import type { FakeComponent } from '../../kit/fake-component.ts'
import { noDeadline, runHouse } from '../../kit/run-house.ts'
import type { RunHouse } from '../../kit/run-house.ts'

describe('a message is suspected to have ended its process', () => {
  let homes: FakeComponent
  let house: RunHouse
  let message: BackupSliceMessage
  beforeEach(async () => {
    homes = fakeComponent({ name: 'files', covers: ['user'] })
    put(homes, 'user/ann', { a: {} }, true)
    house = await runHouse({
      components: [homes],
      repository: (platform) => createDeployment(platform, { name: 'campus', settings: {} }),
    })
    const { run } = await startRun(house.service, {}, noDeadline)
    message = { v: 1, kind: 'backup-slice', run, slice: 'user/ann' }
  })
  const suspected = (receiveCount: number, body = JSON.stringify(message)): Promise<boolean> =>
    wasCutOff(house.service, { body, receiveCount })

  test('when nothing is recorded of its last delivery, and not when it is new', async () => {
    expect(await suspected(1)).toBe(false)
    expect(await suspected(2)).toBe(true)
  })

  test('not when that failed with a cause; but when the one after it is silent', async () => {
    homes.live.fail = (operation) => (operation === 'read' ? new TorikiError('source-failed') : undefined)
    expect(await backupSlice(house.service, message, { attempt: 1, ...noDeadline })).toMatchObject({ done: false })
    expect(await suspected(2)).toBe(false)
    expect(await suspected(3)).toBe(true)
  })

  test('not when the slice is saved', async () => {
    expect(await backupSlice(house.service, message, { attempt: 1, ...noDeadline })).toEqual({ done: true })
    expect(await suspected(2)).toBe(false)
  })

  test('not when it is no message about a slice, or nobody can look', async () => {
    expect(await suspected(2, 'no message')).toBe(false)
    expect(await suspected(2, JSON.stringify({ v: 1, kind: 'settle-run', run: message.run, tick: 1 }))).toBe(false)
    house.service.repository.records.list = () => {
      throw new TorikiError('store-unavailable')
    }
    expect(await suspected(2)).toBe(false)
  })
})
