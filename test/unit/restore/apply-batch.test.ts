import { expect, test } from '@jest/globals'
import type { Applied, ComponentWriter, Turns } from '../../../lib/components/writer.ts'
import type { Change } from '../../../lib/resources/change.ts'
import { beginBatch } from '../../../lib/restore/apply-batch.ts'
import type { BatchUnderWay } from '../../../lib/restore/apply-batch.ts'
import type { PlanItem } from '../../../lib/restore/planned-item.ts'
import type { SliceChanges } from '../../../lib/restore/slice-changes.ts'
import type { WatchedWork } from '../../../lib/restore/step-watch.ts'

const APPLIED: Applied = { kind: 'applied', complete: false }
const CONFLICT: Applied = { kind: 'conflict', fields: [] }
const change: Change = { key: Buffer.from('entry') }

/** Batches of one change each, made by a writer that says what it does; `make` is what it does before anything shows. */
function scene({ together = true, said = [] }: { readonly together?: boolean; readonly said?: string[] } = {}) {
  let number = 0
  const show = async ({ shows, begun }: Turns, answer: () => Promise<Applied>): Promise<readonly Applied[]> => {
    const own = ++number
    said.push(`begin ${own}`)
    begun?.()
    const applied = await answer()
    await shows?.()
    said.push(`show ${own}`)
    return [applied]
  }
  const begin = (earlier: BatchUnderWay | undefined, answer: () => Promise<Applied>): BatchUnderWay => {
    const writer: Partial<ComponentWriter> = {
      name: 'files',
      apply: async () => {
        said.push(`apply ${++number}`)
        return await answer()
      },
      ...(together ? { applyMany: async (_slice, _changes, _context, turns = {}) => await show(turns, answer) } : {}),
    }
    const work = {
      service: { writers: [writer] },
      watch: { look: () => Promise.resolve() },
      delivery: { signal: new AbortController().signal },
    } as unknown as WatchedWork
    const changes = { forwards: () => Promise.resolve(change) } as unknown as SliceChanges
    const items = [{ component: 'files', key: '', action: 'create' } as unknown as PlanItem]
    return beginBatch(work, changes, together ? { items, changes: [change] } : { items }, earlier)
  }
  return { said, begin }
}

test('a batch is begun while the one before it is made, and shows after that', async () => {
  const { said, begin } = scene()
  const made = Promise.withResolvers<Applied>()
  const one = begin(undefined, () => made.promise)
  expect(await one.begun).toBe(true)
  const two = begin(one, () => Promise.resolve(APPLIED))
  expect(await two.begun).toBe(true)
  made.resolve(APPLIED)
  await two.results
  expect(said).toEqual(['begin 1', 'begin 2', 'show 1', 'show 2'])
})

test('after a conflict nothing of the next batch shows', async () => {
  const { said, begin } = scene()
  const made = Promise.withResolvers<Applied>()
  const one = begin(undefined, () => made.promise)
  await one.begun
  const two = begin(one, () => Promise.resolve(APPLIED))
  made.resolve(CONFLICT)
  await expect(two.results).rejects.toThrow('after a conflict')
  expect(await one.results).toEqual([CONFLICT])
  expect(said).toEqual(['begin 1', 'begin 2', 'show 1'])
})

test('what ends a batch ends the next one before anything of it shows', async () => {
  const { said, begin } = scene()
  const one = begin(undefined, () => Promise.reject(new Error('disk')))
  await one.begun
  const two = begin(one, () => Promise.resolve(APPLIED))
  await expect(two.results).rejects.toThrow('disk')
  await expect(one.results).rejects.toThrow('disk')
  expect(said).toEqual(['begin 1', 'begin 2'])
})

test('what is made one by one waits until all before it shows, and lets nothing begin beside it', async () => {
  const { said, begin } = scene()
  const alone = scene({ together: false, said })
  const made = Promise.withResolvers<Applied>()
  const one = begin(undefined, () => made.promise)
  const two = alone.begin(one, () => Promise.resolve(APPLIED))
  await one.begun
  made.resolve(APPLIED)
  expect(await two.begun).toBe(false)
  await one.results
  expect(said).toEqual(['begin 1', 'show 1', 'apply 1'])
})
