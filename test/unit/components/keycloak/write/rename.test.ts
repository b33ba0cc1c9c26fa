import { describe, expect, test } from '@jest/globals'
import { AS_IT_WAS } from '../../../../../lib/components/naming.ts'
import type { Naming } from '../../../../../lib/components/naming.ts'
import { groupPart, renameInRealm } from '../../../../../lib/components/keycloak/write/rename.ts'
import { encodeKey, formatKey } from '../../../../../lib/resources/key.ts'

const ann = {
  key: encodeKey('user', ['ann']),
  state: {
    username: 'ann',
    email: 'ann@x',
    groups: [['users', 'lab', 'deep'], ['users', 'lab'], ['zoo']],
    federatedIdentities: { github: { userId: '7', userName: 'ann' } },
  },
  kept: { id: 'f0', createdTimestamp: 1, notBefore: 2, credentialIds: { password: 'c0' }, consentDates: {} },
}
const naming = (more: Partial<Naming>): Naming => ({ ...AS_IT_WAS, ...more })
const asBob = naming({ user: { from: 'ann', to: 'bob' } })

describe('a person', () => {
  test('under the same name stays as he was, to his id', () => {
    expect(renameInRealm(ann, naming({ folder: 'restored-1' }))).toEqual(ann)
  })

  test('under another name elsewhere keeps his ids and links', () => {
    expect(renameInRealm(ann, asBob)).toMatchObject({
      key: encodeKey('user', ['bob']),
      state: { username: 'bob', email: 'ann@x', federatedIdentities: ann.state.federatedIdentities },
      kept: ann.kept,
    })
  })

  test('under another name in the same realm is another account, and what he loses is said', () => {
    const { key, state, kept, lost } = renameInRealm(ann, { ...asBob, asAnother: true })
    expect(formatKey(key)).toBe('user/bob')
    expect(state).toEqual({ ...ann.state, username: 'bob', federatedIdentities: {} })
    expect(kept).toEqual({ notBefore: 2, consentDates: {} })
    expect(lost?.map(({ field }) => field)).toEqual(['federatedIdentities.github'])
  })
})

describe('a group that is mapped', () => {
  const moved = naming({
    groups: [
      { from: ['users'], to: ['people'] },
      { from: ['users', 'lab'], to: ['teams', 'lab'] },
    ],
  })

  test('has its other path, and so has what lies beneath; the longest path decides', () => {
    const path = (...names: string[]): string =>
      formatKey(renameInRealm({ key: encodeKey('group', names), state: {}, kept: {} }, moved).key)
    expect(path('users')).toBe('group/people')
    expect(path('users', 'lab')).toBe('group/teams/lab')
    expect(path('users', 'lab', 'deep')).toBe('group/teams/lab/deep')
    expect(path('users', 'other')).toBe('group/people/other')
    expect(path('labs')).toBe('group/labs')
  })

  test('is named so by people and service accounts, in the order of their lists', () => {
    expect(renameInRealm(ann, moved).state['groups']).toEqual([['teams', 'lab', 'deep'], ['teams', 'lab'], ['zoo']])
    const account = { key: encodeKey('service-account', ['x']), state: { groups: [['users']] }, kept: {} }
    expect(renameInRealm(account, moved).state).toEqual({ groups: [['people']] })
  })
})

test('what belongs to a group of the shared state are itself and whether new people join it', () => {
  expect(groupPart.pathOf(encodeKey('group', ['users', 'lab']))).toEqual(['users', 'lab'])
  expect(groupPart.pathOf(encodeKey('realm-role', ['lab']))).toBeUndefined()
  expect(groupPart.keysOf(['users', 'lab']).map(formatKey)).toEqual(['group/users/lab', 'default-group/users/lab'])
})
