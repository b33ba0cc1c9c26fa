import { beforeEach, describe, expect, test } from '@jest/globals'
import { TorikiError } from '../../../lib/errors.ts'
import type { Finding } from '../../../lib/restore/slice-log.ts'
import { beginApply, applyRequested } from '../../../lib/restore/apply-restore.ts'
import { beginPlan } from '../../../lib/restore/plan-restore.ts'
import { planThrough } from '../../../lib/restore/plan-through.ts'
import { acknowledgeSlice, remainingSteps } from '../../../lib/restore/restore-slice.ts'
import { isRestoreOpen, openRestores, restoreOfSafetySnapshot } from '../../../lib/restore/restore-state.ts'
import { restoreHouse } from '../../kit/restore-house.ts'
import type { RestoreHouse } from '../../kit/restore-house.ts'

const RUN = '20261121T020000000Z-full-0000000001'
const signal = new AbortController().signal

let house: RestoreHouse
let things: Map<string, object>

beforeEach(async () => {
  house = await restoreHouse({ a: { size: 1 }, b: { size: 2, owner: 'ann' }, c: { size: 3 } })
  await house.backUp(RUN)
  things = house.component.live.slices.get('user/ann') as Map<string, object>
})

const plan = async (cause = 'a test'): Promise<string> => {
  const { restore } = await beginPlan(house.service, { slices: ['user/ann'], inPlace: true }, cause)
  await planThrough(house.service, restore, { parallel: 1, signal })
  return restore
}
const apply = async (restore: string) =>
  await applyRequested(house.service, { restore, slice: 'user/ann', attempt: 1, signal })
const isOpen = async (restore: string): Promise<boolean> =>
  await isRestoreOpen(house.service.repository.records, restore)
const where = (restore: string) => ({ restore, sliceId: house.service.repository.sliceId('user/ann', 1) })
const steps = async (restore: string): Promise<Finding[]> => {
  const options = { installerOwned: false, privileged: false }
  const found: Finding[] = []
  for await (const step of remainingSteps(house.service, { ...where(restore), options, attempt: 1, signal }))
    found.push(step)
  return found
}

/** `owner` is not written, and taking back `a` is refused. */
const failBothWays = (): void => {
  house.writer.forgets = new Set(['owner'])
  let made = false
  house.writer.beforeWrite = (_slice, write) => {
    made ||= write === 'complete a'
    if (made && write === 'delete a') throw new TorikiError('source-rights')
  }
}

describe('a restore', () => {
  test('that was only planned is over; one that was applied is open until it is proven', async () => {
    things.delete('a')
    const restore = await plan()
    expect(await isOpen(restore)).toBe(false)
    await beginApply(house.service, restore)
    expect(await isOpen(restore)).toBe(true)
    expect(await apply(restore)).toEqual({ step: 'verified' })
    expect(await isOpen(restore)).toBe(false)
  })

  test('that could not be taken back names every step that remains, and is open and in the way until it is acknowledged', async () => {
    things.delete('a')
    things.set('b', { size: 9, owner: 'bob' })
    const [restore, next] = [await plan('one'), await plan('two')]
    await beginApply(house.service, restore)
    await beginApply(house.service, next)
    failBothWays()
    const shown = `\`toriki cat user/ann@${restore}.1 files thing/b\` shows`
    const remaining = [
      {
        component: 'files',
        key: 'thing/a',
        what: 'is there, and was not before the restore',
        todo: 'Remove it: it was not there before the restore.',
      },
      { component: 'files', key: 'thing/b', what: 'differs', todo: `Set it back to what ${shown}.` },
    ]
    house.component.live.fail = () => undefined
    expect(await apply(restore)).toMatchObject({ step: 'undo-failed', findings: [remaining[0]] })
    expect(await steps(restore)).toEqual([remaining[0]])
    expect(await isOpen(restore)).toBe(true)
    await expect(apply(next)).rejects.toMatchObject({ code: 'restore-busy' })

    // Somebody sets about it by hand, and spoils something else.
    things.delete('a')
    things.set('b', { size: 7 })
    expect(await steps(restore)).toEqual([remaining[1]])
    things.set('b', { size: 9, owner: 'bob' })
    expect(await steps(restore)).toEqual([])

    await acknowledgeSlice(house.service, where(restore))
    expect(await isOpen(restore)).toBe(false)
    house.writer.forgets = new Set()
    house.writer.beforeWrite = () => undefined
    expect(await apply(next)).toEqual({ step: 'verified' })
  })

  test('whose live state cannot be read any more names all that was touched', async () => {
    things.delete('a')
    things.delete('c')
    const restore = await plan()
    await beginApply(house.service, restore)
    const { look } = house.writer
    house.writer.beforeWrite = (_slice, write) => {
      if (write !== 'create c') return
      house.writer.look = () => {
        throw new TorikiError('source-rights')
      }
      throw new TorikiError('source-rights')
    }
    const step = await apply(restore)
    house.writer.look = look
    expect(step).toMatchObject({
      step: 'undo-failed',
      findings: [
        { key: 'thing/a', what: expect.stringContaining('could not be read'), todo: 'See that it is not there.' },
        { key: 'thing/c' },
      ],
    })
  })

  test('is among the open ones while it is open', async () => {
    things.delete('a')
    await plan('never applied')
    await house.clock.advance(1)
    const restore = await plan('applied')
    await beginApply(house.service, restore)
    const open: string[] = []
    for await (const id of openRestores(house.service.repository.records)) open.push(id)
    expect(open).toEqual([restore])
  })
})

test('who was cut off while he asked for a restore leaves none that is open, and hides nobody else’s', async () => {
  const { records } = house.service.repository
  await records.create('restores/20261121T010000000Z-restore-1f0c2d3e4a/requested/000000', { slices: [] })
  things.delete('a')
  const restore = await plan()
  await beginApply(house.service, restore)
  const open: string[] = []
  for await (const id of openRestores(records)) open.push(id)
  expect(open).toEqual([restore])
})

test('a safety snapshot tells its restore', () => {
  expect(restoreOfSafetySnapshot('20261121T020000000Z-restore-1f0c2d3e4a.1')).toBe(
    '20261121T020000000Z-restore-1f0c2d3e4a',
  )
  expect(restoreOfSafetySnapshot(`${RUN}.1`)).toBeUndefined()
})
