/** A restore in place, and the question whether a server of the person runs. */
import { beforeEach, expect, test } from '@jest/globals'
import type { ServerAnswer } from '../../../lib/components/running-servers.ts'
import { restoreSlice } from '../../../lib/restore/restore-slice.ts'
import type { RestoreService } from '../../../lib/restore/service.ts'
import { planSlice } from '../../../lib/restore/plan-slice.ts'
import type { SlicePlanRequest } from '../../../lib/restore/slice-plan-request.ts'
import { restoreHouse } from '../../kit/restore-house.ts'
import type { RestoreHouse } from '../../kit/restore-house.ts'
import { userSlice } from '../../../lib/resources/slice.ts'

const RUN = '20261121T020000000Z-full-0000000001'
const PLAIN = { installerOwned: false, privileged: false }
const unknown: ServerAnswer = { kind: 'unknown', why: 'JupyterHub did not answer.' }

let house: RestoreHouse
let answer: ServerAnswer
let asked: string[]
let service: RestoreService
let plans = 0

beforeEach(async () => {
  house = await restoreHouse({ a: { size: 1 }, b: { size: 2 } })
  await house.backUp(RUN)
  house.component.live.slices.get('user/ann')?.delete('a')
  asked = []
  answer = { kind: 'no' }
  service = {
    ...house.service,
    writers: house.service.writers.map((writer) =>
      Object.assign(Object.create(writer) as typeof writer, { worksInServers: true as const }),
    ),
    servers: {
      ask(user) {
        asked.push(user)
        return Promise.resolve(answer)
      },
    },
  }
})

async function plan(request: Partial<SlicePlanRequest> = {}, of = service) {
  const restore = `20261121T030000000Z-restore-000000000${++plans}`
  const whole = { restore, slice: userSlice('ann'), inPlace: true, deleteExtra: false, options: PLAIN, ...request }
  return { ...(await planSlice(of, whole, new AbortController().signal)), restore }
}

async function apply(restore: string, attempt = 3) {
  const sliceId = service.repository.sliceId('user/ann', 1)
  return await restoreSlice(service, {
    restore,
    sliceId,
    options: PLAIN,
    attempt,
    signal: new AbortController().signal,
  })
}

test('where no server runs nothing is said, and it is asked again before the first write', async () => {
  const { restore, notes } = await plan()
  expect(notes).toBeUndefined()
  expect(asked).toEqual(['ann'])
  expect(await apply(restore)).toEqual({ step: 'verified' })
  expect(asked).toEqual(['ann', 'ann'])
})

test('a server that runs is in the plan, and applying is refused before anything is written', async () => {
  answer = { kind: 'yes' }
  const { restore, notes } = await plan()
  expect(notes).toEqual([expect.stringMatching(/server of this person is running.*--while-running/)])
  const before = house.live()
  expect(await apply(restore)).toMatchObject({
    step: 'refused',
    code: 'restore-server-runs',
    why: expect.stringContaining('Stop the server'),
  })
  expect(house.live()).toEqual(before)
  expect(house.writer.written).toEqual([])
})

test('a server that was started since the plan refuses too', async () => {
  const { restore } = await plan()
  answer = { kind: 'yes' }
  expect(await apply(restore)).toMatchObject({ step: 'refused', code: 'restore-server-runs' })
})

test('a hub that cannot say is tried again, then refuses; the plan says why', async () => {
  answer = unknown
  const { restore, notes } = await plan()
  expect(notes).toEqual([expect.stringMatching(/^JupyterHub did not answer\. Applying is refused until/)])
  await expect(apply(restore, 1)).rejects.toMatchObject({ code: 'restore-server-unknown', retry: 'later' })
  answer = { kind: 'no' }
  expect(await apply(restore, 2)).toEqual({ step: 'verified' })
  answer = unknown
  house.component.live.slices.get('user/ann')?.delete('b')
  const { restore: second } = await plan()
  expect(await apply(second, 3)).toMatchObject({ step: 'refused', code: 'restore-server-unknown' })
})

test('who was told to do it while a server runs asks nobody, and says so', async () => {
  answer = { kind: 'yes' }
  const { restore, notes } = await plan({ whileRunning: true })
  expect(notes).toHaveLength(1)
  expect(await apply(restore)).toEqual({ step: 'verified' })
  expect(asked).toEqual([])
})

test('where no hub is configured it goes on, and the plan says that nobody was asked', async () => {
  const { servers: _, ...withoutHub } = service
  const { restore, notes } = await plan({}, withoutHub)
  expect(notes).toEqual([expect.stringMatching(/^No JupyterHub is configured/)])
  expect(await apply(restore)).toEqual({ step: 'verified' })
  expect(asked).toEqual([])
})

test('where nothing is, or beside what is there, nobody is asked', async () => {
  answer = { kind: 'yes' }
  expect((await plan({ inPlace: false })).notes).toBeUndefined()
  house.component.live.slices.get('user/ann')?.clear()
  expect((await plan()).notes).toBeUndefined()
  expect(asked).toEqual([])
})
