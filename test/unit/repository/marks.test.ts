import { describe, expect, test } from '@jest/globals'
import { createDeployment } from '../../../lib/repository/deployment-repository.ts'
import { addMarks, readMarks } from '../../../lib/repository/marks.ts'
import { sealJson } from '../../../lib/repository/sealed-json.ts'
import { treeFormats } from '../../../lib/repository/tree-format.ts'
import { keysOf } from '../../kit/condemn.ts'
import { memoryPlatform } from '../../kit/memory-platform.ts'
import { backUp } from '../../kit/slice-source.ts'
import type { JsonObject } from '../../../lib/resources/json.ts'
import type { SliceContext } from '../../../lib/repository/slice-context.ts'
import type { SliceRepository } from '../../../lib/repository/repository.ts'

const absent = (): Promise<never> => Promise.reject(new Error('nobody asks'))

async function begin(): Promise<{ context: SliceContext; ann: SliceRepository }> {
  const platform = memoryPlatform()
  const deployment = await createDeployment(platform, { name: 'campus', settings: {} })
  const ann = await deployment.openSlice('user/ann', { access: 'write' })
  const keys = await keysOf(platform, deployment, 'user/ann')
  return {
    context: {
      platform,
      sliceId: ann.sliceId,
      keys,
      formats: treeFormats(keys),
      isOwned: false,
      readOwner: absent,
      readNext: absent,
    },
    ann,
  }
}

const digest = 'a'.repeat(64)

describe('marks', () => {
  test('add up, however many write them at once, and are written only for something new', async () => {
    const { context } = await begin()
    await Promise.all(['run-1.1', 'run-2.1', 'run-3.1'].map((id) => addMarks(context, { accepted: [id] })))
    await addMarks(context, { forgotten: [{ id: 'run-1.1', digest }] })
    const marks = await readMarks(context)
    expect([...marks.accepted].sort()).toEqual(['run-1.1', 'run-2.1', 'run-3.1'])
    expect(marks.forgotten.get('run-1.1')).toBe(digest)
    expect(marks.n).toBe(4)
    await addMarks(context, { accepted: ['run-2.1'], forgotten: [{ id: 'run-1.1', digest }] })
    expect((await readMarks(context)).n).toBe(4)
    await addMarks(context, { forgotten: [{ id: 'run-2.1', digest }] })
    expect([...(await readMarks(context)).forgotten.keys()].sort()).toEqual(['run-1.1', 'run-2.1'])
  })

  test('hide what is forgotten, whose number is not given again', async () => {
    const { context, ann } = await begin()
    await backUp(ann, 'run-1', { files: {} })
    await backUp(ann, 'run-2', { files: {} })
    await addMarks(context, { forgotten: [{ id: 'run-2.1', digest }] })
    const ids: string[] = []
    for await (const { id } of ann.snapshots()) ids.push(id)
    expect(ids).toEqual(['run-1.1'])
    await expect(ann.snapshot('run-2.1')).rejects.toMatchObject({ code: 'snapshot-not-found' })
    await context.platform.store.delete(`slices/${ann.sliceId}/snapshots/run-2.1`)
    const { snapshot } = await backUp(ann, 'run-2', { files: {} })
    expect(snapshot).toMatchObject({ id: 'run-2.2', parent: 'run-1.1' })
  })

  test('of a later version keep what this one does not know; those that need a feature it does not know are refused', async () => {
    const { context } = await begin()
    const { store, random } = context.platform
    const write = async (n: number, more: JsonObject): Promise<void> => {
      const path = `slices/${context.sliceId}/marks/${n}`
      const place = { parentKey: context.keys.treeKey, kind: 'mark', path, random } as const
      await store.create(path, sealJson(place, { accepted: [], forgotten: [], ...more }))
    }
    await write(1, { held: ['run-9.1'], mandatory: [] })
    await addMarks(context, { accepted: ['run-1.1'] })
    expect(await readMarks(context)).toMatchObject({ n: 2, others: { held: ['run-9.1'] } })
    await write(3, { mandatory: ['held'] })
    await expect(readMarks(context)).rejects.toMatchObject({ code: 'format-newer' })
  })

  test('whose numbers have come to their end are an error, not a wait for ever', async () => {
    const { context } = await begin()
    const path = `slices/${context.sliceId}/marks/999999999`
    const place = { parentKey: context.keys.treeKey, kind: 'mark', path, random: context.platform.random } as const
    await context.platform.store.create(path, sealJson(place, { accepted: [], forgotten: [] }))
    await addMarks(context, { accepted: ['run-1.1'] })
    await expect(addMarks(context, { accepted: ['run-2.1'] })).rejects.toMatchObject({ code: 'object-exists' })
  })
})
