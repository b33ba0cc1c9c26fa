import { describe, expect, test } from '@jest/globals'
import type { Applied, ComponentWriter } from '../../../../lib/components/writer.ts'
import { showing, watched } from '../../../../lib/cli/restore/restore-progress.ts'
import { TorikiError } from '../../../../lib/errors.ts'
import { planThrough } from '../../../../lib/restore/plan-through.ts'
import { beginPlan } from '../../../../lib/restore/plan-restore.ts'
import { workThrough } from '../../../../lib/restore/work-through.ts'
import { FakeClock } from '../../../kit/fake-clock.ts'
import { plainTerminal } from '../../../kit/plain-terminal.ts'
import { restoreHouse } from '../../../kit/restore-house.ts'

const signal = new AbortController().signal

describe('the progress of a restore', () => {
  test('counts what is looked at, changes and bytes, and changes nothing of the restore', async () => {
    const house = await restoreHouse({ a: { size: 5 }, b: { size: 0 } }, { a: 'first' })
    await house.backUp('20261121T020000000Z-full-0000000001')
    house.component.live.slices.get('user/ann')?.clear()
    house.component.live.contents.clear()
    const { service, counts } = watched(house.service)
    const { restore } = await beginPlan(service, { slices: ['user/ann'] }, 'a test')
    await planThrough(service, restore, { parallel: 1, signal })
    expect(counts.applied).toBe(0)
    expect(await workThrough(service, restore, { parallel: 1, signal })).toMatchObject({ outcome: 'complete' })
    expect(house.live()).toEqual({ a: { size: 5, content: 'first' }, b: { size: 0 } })
    expect(counts.applied).toBe(2)
    expect(counts.bytes).toBeGreaterThanOrEqual(5)
    expect(counts.looked).toBeGreaterThanOrEqual(2)
  })

  test('counts changes that are made many at a time', async () => {
    const house = await restoreHouse({ a: { size: 5 }, b: { size: 0 }, c: { size: 1 } }, { a: 'first' })
    await house.backUp('20261121T020000000Z-full-0000000001')
    house.component.live.slices.get('user/ann')?.clear()
    house.component.live.contents.clear()
    const writers = house.service.writers.map((writer): ComponentWriter => {
      const applyMany: ComponentWriter['applyMany'] = async (slice, changes, context) => {
        const applied: Applied[] = []
        for (const change of changes) applied.push(await writer.apply(slice, change, context))
        return applied
      }
      return new Proxy(writer, {
        get: (target, name) => {
          const value: unknown = name === 'applyMany' ? applyMany : Reflect.get(target, name)
          return typeof value === 'function' ? value.bind(target) : value
        },
      })
    })
    const { service, counts } = watched({ ...house.service, writers })
    const { restore } = await beginPlan(service, { slices: ['user/ann'] }, 'a test')
    await planThrough(service, restore, { parallel: 1, signal })
    expect(await workThrough(service, restore, { parallel: 1, signal })).toMatchObject({ outcome: 'complete' })
    expect(house.live()).toMatchObject({ a: { size: 5, content: 'first' } })
    expect(counts.applied).toBe(3)
    expect(counts.bytes).toBe(5)
  })

  test('moves on a terminal, with changes and bytes, and is cleared away at the end', async () => {
    const [clock, terminal] = [new FakeClock(), plainTerminal({ interactive: true })]
    const counts = { looked: 0, applied: 3, bytes: 512 }
    const phase = { what: 'restoring', total: 2, changes: 10, bytes: 2048, done: () => 1 } as const
    expect(await showing({ terminal, clock, signal }, counts, phase, async () => 'done')).toBe('done')
    expect(terminal.errors[0]).toMatch(/restoring 1\/2 · 3 of 10 changes · 512 B of 2\.0 KiB/)
    expect(terminal.errors.at(-1)).toBe('\r\u001b[2K')
  })

  test('without a terminal says nothing of what is over at once; what goes wrong comes out', async () => {
    const [clock, terminal] = [new FakeClock(), plainTerminal()]
    const phase = { what: 'planning', total: 1, done: () => 0 } as const
    const counts = { looked: 0, applied: 0, bytes: 0 }
    const failing = showing({ terminal, clock, signal }, counts, phase, async () => {
      throw new TorikiError('source-unreachable')
    })
    await expect(failing).rejects.toMatchObject({ code: 'source-unreachable' })
    expect(terminal.errors).toEqual([])
  })
})
