import { beforeEach, describe, expect, test } from '@jest/globals'
import type { SliceName } from '../../../lib/resources/slice.ts'
import { encodeKey, decodeKey } from '../../../lib/resources/key.ts'
import { beginPlan } from '../../../lib/restore/plan-restore.ts'
import { planThrough } from '../../../lib/restore/plan-through.ts'
import { readRequest, requestedSlices } from '../../../lib/restore/restore-request.ts'
import type { RequestedSlice } from '../../../lib/restore/restore-request.ts'
import { restoreReport } from '../../../lib/restore/restore-report.ts'
import type { RestoreWish } from '../../../lib/restore/restore-wish.ts'
import type { RestoreService } from '../../../lib/restore/service.ts'
import { findSlicePlan, planItems } from '../../../lib/restore/slice-plan.ts'
import { workThrough } from '../../../lib/restore/work-through.ts'
import { createRun, recordSourcesAccepted } from '../../../lib/runs/run-log.ts'
import { restoreHouse } from '../../kit/restore-house.ts'
import type { RestoreHouse } from '../../kit/restore-house.ts'

const RUN = '20261121T020000000Z-full-0000000001'
const signal = new AbortController().signal

let house: RestoreHouse
let service: RestoreService

/** Things of `shared` named `group:a:b` are groups. */
const groups = {
  pathOf: (key: Buffer) => {
    const text = decodeKey(key).segments[0]?.toString('utf8') ?? ''
    return text.startsWith('group:') ? text.split(':').slice(1) : undefined
  },
  keysOf: (path: readonly string[]) => [encodeKey('thing', [`group:${path.join(':')}`])],
}

beforeEach(async () => {
  house = await restoreHouse(
    { 'notes/a.csv': { of: 'ann' }, 'notes/b.txt': { of: 'ann' }, desk: { of: 'ann' } },
    {},
    {
      'user/bob': { desk: { of: 'bob' } },
      'group/lab': { data: { of: 'lab' } },
      'group/ops': { data: { of: 'ops' } },
      shared: {
        'group:users:lab': { role: 1 },
        'group:users:ops': { role: 2 },
        'group:old:ops': { role: 3 },
        realm: { name: 'x' },
      },
    },
    ['user', 'shared', 'group'],
  )
  for (const slice of ['user/ann', 'user/bob', 'group/lab', 'group/ops', 'shared'] as SliceName[])
    await house.backUp(RUN, slice)
  for (const [slice] of house.component.live.slices) house.component.live.slices.get(slice)?.clear()
  service = { ...house.service, writers: [{ ...house.writer, groups }] }
})

const ask = async (wish: RestoreWish): Promise<string> => (await beginPlan(service, wish, JSON.stringify(wish))).restore
const asked = async (wish: RestoreWish): Promise<RequestedSlice[]> => {
  const { records } = service.repository
  const found: RequestedSlice[] = []
  for await (const one of requestedSlices(records, await readRequest(records, await ask(wish)))) found.push(one)
  return found
}
const names = async (wish: RestoreWish): Promise<SliceName[]> => (await asked(wish)).map(({ slice }) => slice)
const restore = async (wish: RestoreWish) => {
  const id = await ask(wish)
  await planThrough(service, id, { parallel: 2, signal })
  return await workThrough(service, id, { parallel: 2, signal })
}

describe('asked for', () => {
  test('several users are what comes back, and nobody else', async () => {
    expect(await restore({ slices: ['user/bob', 'user/ann'] })).toMatchObject({
      outcome: 'complete',
      slices: { total: 2 },
    })
    expect(house.live('user/bob')).toEqual({ desk: { of: 'bob' } })
    expect(house.live('shared')).toEqual({})
  })

  test.each(['lab', '/users/lab', 'users/lab'])(
    'a group (%s) brings its directory and, out of the shared state, itself',
    async (group) => {
      expect(await restore({ groups: [group] })).toMatchObject({ outcome: 'complete', slices: { total: 2 } })
      expect(house.live('group/lab')).toEqual({ data: { of: 'lab' } })
      expect(house.live('shared')).toEqual({ 'group:users:lab': { role: 1 } })
      expect(house.live('group/ops')).toEqual({})
    },
  )

  test('a group says in its plan who brings its members back', async () => {
    const id = await ask({ groups: ['lab'] })
    await planThrough(service, id, { parallel: 1, signal })
    const sliceId = service.repository.sliceId('shared', 1)
    const plan = await findSlicePlan(service.repository.records, { restore: id, sliceId })
    expect(plan?.notes).toEqual([expect.stringContaining('comes back with the people')])
  })

  test('a group whose name several have is refused with their paths, and by its path it is that one', async () => {
    await expect(ask({ groups: ['ops'] })).rejects.toMatchObject({
      code: 'restore-invalid',
      message: 'Several groups are named ops: /old/ops, /users/ops. Name one by its path.',
    })
    await restore({ groups: ['/old/ops'] })
    expect(house.live('shared')).toEqual({ 'group:old:ops': { role: 3 } })
  })

  test('a group with paths is its directory alone', async () => {
    expect(await names({ groups: ['lab'], paths: ['data'] })).toEqual(['group/lab'])
  })

  test('a pattern restores what it matches', async () => {
    await restore({ slices: ['user/ann'], paths: ['thing/notes%2F*.csv'] })
    expect(house.live()).toEqual({ 'notes/a.csv': { of: 'ann' } })
  })

  test('a path of one person that means nothing is said in the plan; of many it is nobody’s fault', async () => {
    const id = await ask({ slices: ['user/bob'], paths: ['thing/notes*'] })
    expect(await planThrough(service, id, { parallel: 1, signal })).toMatchObject({ failed: 1 })
    expect(await restore({ slices: ['user/ann', 'user/bob'], paths: ['thing/notes*'] })).toMatchObject({
      outcome: 'complete',
    })
  })

  test.each([
    ['nobody', {}, 'Whom?'],
    ['everybody and somebody', { everybody: true, slices: ['user/ann'] }, 'name nobody beside it'],
    ['a snapshot of several', { slices: ['user/ann', 'user/bob'], snapshot: `${RUN}.1` }, 'that of one slice'],
    ['a snapshot and a time', { slices: ['user/ann'], snapshot: `${RUN}.1`, until: new Date() }, 'name one of them'],
    ['two under one name', { slices: ['user/ann', 'user/bob'], as: 'cid' }, 'name that one, and nobody else'],
    [
      'one under the name of another in it',
      { slices: ['user/ann', 'user/bob'], mapping: { users: { ann: 'bob' } } },
      'would both be restored as user/bob',
    ],
    ['a name that none can have', { slices: ['user/ann'], as: 'a/b'.repeat(200) }, 'cannot be the name'],
    [
      'deleting where groups are mapped',
      { slices: ['shared'], deleteExtra: true, mapping: { groups: { '/a': '/b' } } },
      'Nothing can be deleted',
    ],
  ] satisfies [string, RestoreWish, string][])(
    '%s is refused in words, and nothing is written',
    async (_what, wish, said) => {
      const before = house.platform.store.keys()
      await expect(ask(wish)).rejects.toMatchObject({ code: 'restore-invalid', message: expect.stringContaining(said) })
      expect(house.platform.store.keys()).toEqual(before)
    },
  )

  test('a group nobody stored is named', async () => {
    await expect(ask({ groups: ['nix'] })).rejects.toMatchObject({
      code: 'snapshot-not-found',
      message: expect.stringContaining('nix'),
    })
  })
})

describe('everybody', () => {
  const run = async (
    id: string,
    slices: SliceName[],
    sources: Parameters<typeof createRun>[1]['sources'] = {},
  ): Promise<void> => {
    const { records } = service.repository
    const at = new Date(Date.parse(`${id.slice(0, 4)}-${id.slice(4, 6)}-${id.slice(6, 8)}T02:00:00Z`)).toISOString()
    await createRun(
      records,
      {
        ...{ run: id, policy: 'full', intendedAt: at, startedAt: at, components: ['files'], sources },
        ...{ attemptsMax: 3, visibilityMs: 1000, slicesNonce: id },
      },
      slices.map((slice) => ({ slice, sliceId: service.repository.sliceId(slice, 1), known: ['files'], flags: [] })),
    )
  }

  test('is who was there at the newest full run; with a time, at that one, people included who left since', async () => {
    await run('20260101T020000000Z-full-0000000001', ['shared', 'user/ann', 'user/bob'])
    await run('20260201T020000000Z-full-0000000002', ['shared', 'user/ann'])
    expect(await names({ everybody: true })).toEqual(['shared', 'user/ann'])
    expect(await names({ everybody: true, until: new Date('2026-01-15T00:00:00Z') })).toEqual([
      'shared',
      'user/ann',
      'user/bob',
    ])
    await expect(ask({ everybody: true, until: new Date('2025-01-01T00:00:00Z') })).rejects.toMatchObject({
      code: 'run-not-found',
    })
  })

  test('is not who a suspect listing says, until somebody accepts it', async () => {
    await run('20260101T020000000Z-full-0000000001', ['user/ann', 'user/bob'])
    await run('20260201T020000000Z-full-0000000002', ['user/ann'], { files: { members: 1, suspect: 'fell' } })
    expect(await names({ everybody: true })).toEqual(['user/ann', 'user/bob'])
    await recordSourcesAccepted(service.repository.records, '20260201T020000000Z-full-0000000002', new Date())
    expect(await names({ everybody: true, inPlace: true })).toEqual(['user/ann'])
  })

  test('is nobody of whom nothing is stored, nor what the components that are asked for do not cover', async () => {
    await run('20260101T020000000Z-full-0000000001', ['shared', 'user/ann', 'user/zoe'])
    const component = { ...house.component, covers: (slice: { kind: string }) => slice.kind === 'user' }
    service = { ...service, components: [component] }
    expect(await names({ everybody: true })).toEqual(['user/ann'])
  })
})

test('what cannot be made here makes the restore partial', async () => {
  house.writer.foreseen = (key) => (key === 'desk' ? { kind: 'cannot', code: 'occupied', reason: 'Taken.' } : undefined)
  service = { ...service, writers: [{ ...house.writer, groups }] }
  const id = await ask({ slices: ['user/ann'] })
  await planThrough(service, id, { parallel: 1, signal })
  await workThrough(service, id, { parallel: 1, signal })
  expect(await restoreReport(service, id)).toMatchObject({
    outcome: 'partial',
    verified: true,
    restored: { files: { create: 2, cannot: 1 } },
  })
})

test('a plan holds what a pattern means, and no more', async () => {
  const id = await ask({ slices: ['user/ann'], paths: ['thing/notes*'] })
  await planThrough(service, id, { parallel: 1, signal })
  const keys: string[] = []
  for await (const { key } of planItems(service.repository.records, {
    restore: id,
    sliceId: service.repository.sliceId('user/ann', 1),
  }))
    keys.push(decodeKey(Buffer.from(key, 'base64url')).segments.join('/'))
  expect(keys).toEqual(['notes/a.csv', 'notes/b.txt'])
})
