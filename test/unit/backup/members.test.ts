import { beforeEach, describe, expect, test } from '@jest/globals'
import { listMembers, selectMembers } from '../../../lib/backup/members.ts'
import { startRun } from '../../../lib/backup/start-run.ts'
import { recordCancelled, recordSourcesAccepted } from '../../../lib/runs/run-log.ts'
import { TorikiError } from '../../../lib/errors.ts'
import { fakeComponent, put } from '../../kit/fake-component.ts'
import type { FakeComponent } from '../../kit/fake-component.ts'
import { noDeadline, recordsHouse } from '../../kit/run-house.ts'

type House = Awaited<ReturnType<typeof recordsHouse>>
let accounts: FakeComponent
let homes: FakeComponent
let house: House

beforeEach(async () => {
  accounts = fakeComponent({ name: 'keycloak' })
  homes = fakeComponent({ name: 'files', covers: ['user', 'group'] })
  house = await recordsHouse([accounts, homes])
})

const unreachable = () => new TorikiError('source-unreachable')
const people = (component: FakeComponent, names: readonly string[]): void => {
  component.live.slices.clear()
  for (const name of names) put(component, `user/${name}`, { thing: {} })
}
/** A full run, ended at once so that the next may begin. */
async function night(): Promise<string> {
  await house.clock.advance(86_400_000)
  const { run } = await startRun(house.service, {}, noDeadline)
  await recordCancelled(house.records, run, house.clock.now(), 'asked')
  return run
}
const list = async () => await listMembers(house.service, noDeadline.signal)

describe('the members of a deployment', () => {
  test('are the union of what the components know, shared first', async () => {
    people(accounts, ['ann', 'bob'])
    people(homes, ['bob', 'old'])
    put(accounts, 'group/team', {})
    expect(await list()).toEqual({
      members: [
        { slice: 'shared', known: ['keycloak'], flags: [] },
        { slice: 'group/team', known: ['keycloak'], flags: [] },
        { slice: 'user/ann', known: ['keycloak'], flags: ['no-home'] },
        { slice: 'user/bob', known: ['keycloak', 'files'], flags: [] },
        { slice: 'user/old', known: ['files'], flags: ['no-account'] },
      ],
      unreachable: [],
      sources: { keycloak: { members: 3 }, files: { members: 2 } },
    })
  })

  test('of a component that does not answer are those of the last run that saw them, and it is said', async () => {
    people(accounts, ['ann', 'bob'])
    people(homes, ['ann'])
    await night()
    accounts.live.fail = (operation) => (operation === 'members' ? unreachable() : undefined)
    const { members, sources, unreachable: missing } = await list()
    expect(members.map(({ slice }) => slice)).toEqual(['shared', 'user/ann', 'user/bob'])
    expect(members.find(({ slice }) => slice === 'user/ann')).toMatchObject({ known: ['keycloak', 'files'], flags: [] })
    expect(sources).toMatchObject({ keycloak: { members: 2, unreachable: 'source-unreachable' } })
    expect(missing).toEqual([{ component: 'keycloak', code: 'source-unreachable' }])
  })

  test('that stand in are those of a run that listed them itself, not of one where they stood in', async () => {
    people(accounts, ['ann'])
    people(homes, ['ann'])
    await night()
    accounts.live.fail = (operation) => (operation === 'members' ? unreachable() : undefined)
    people(homes, ['ann', 'new'])
    await night()
    expect((await list()).sources).toMatchObject({ keycloak: { members: 1 } })
  })

  test('that fell by more than the limit make the component suspect, on every night until it is accepted', async () => {
    people(accounts, ['a', 'b', 'c', 'd', 'e'])
    people(homes, ['a', 'b', 'c', 'd', 'e'])
    await night()
    people(homes, ['a', 'b'])
    const second = await night()
    expect((await list()).sources).toMatchObject({
      keycloak: { members: 5 },
      files: { suspect: 'Its members fell from 5 to 2.' },
    })
    await night()
    expect((await list()).sources['files']).toHaveProperty('suspect')
    await recordSourcesAccepted(house.records, second, house.clock.now())
    expect((await list()).sources['files']).toEqual({ members: 2 })
  })

  test('that fell a little each night are compared with the night before', async () => {
    people(homes, ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j'])
    await night()
    people(homes, ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'])
    await night()
    people(homes, ['a', 'b', 'c', 'd', 'e', 'f', 'g'])
    expect((await list()).sources['files']).toEqual({ members: 7 })
  })

  test('are not guessed when the time is up', async () => {
    people(accounts, ['ann'])
    const stopped = new AbortController()
    accounts.live.fail = () => {
      stopped.abort(new TorikiError('deadline'))
      return unreachable()
    }
    await expect(listMembers(house.service, stopped.signal)).rejects.toMatchObject({ code: 'deadline' })
  })
})

describe('a selection of members', () => {
  const members = [
    { slice: 'shared', known: ['keycloak'], flags: [] },
    { slice: 'group/team', known: ['keycloak'], flags: [] },
    { slice: 'user/ann', known: ['keycloak', 'files'], flags: [] },
    { slice: 'user/bob', known: ['files'], flags: [] },
  ] as const
  const selected = (selection: Parameters<typeof selectMembers>[1]) =>
    selectMembers(members, selection).map(({ slice }) => slice)

  test.each([
    [undefined, ['shared', 'group/team', 'user/ann', 'user/bob']],
    [{ users: ['ann'] }, ['user/ann']],
    [{ users: ['ann', 'ann'], shared: true }, ['shared', 'user/ann']],
    [{ groups: ['team'] }, ['group/team']],
    [{ groups: ['/projects/team'] }, ['group/team']],
    [{ components: ['files' as const] }, ['user/ann', 'user/bob']],
    [{ users: [], components: ['files' as const] }, ['user/ann', 'user/bob']],
  ])('%j', (selection, slices) => {
    expect(selected(selection)).toEqual(slices)
  })

  test('of somebody nobody knows is refused without the name', () => {
    expect(() => selected({ users: ['ann', 'zoe'] })).toThrow(
      expect.objectContaining({ code: 'slice-unknown', message: 'Nobody knows the user in place 2.' }),
    )
  })

  test('of nothing is refused', () => {
    expect(() => selected({ users: [], shared: false })).toThrow(expect.objectContaining({ code: 'message-invalid' }))
  })
})
