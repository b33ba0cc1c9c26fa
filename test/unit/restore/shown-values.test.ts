import { describe, expect, test } from '@jest/globals'
import { shownValues } from '../../../lib/restore/shown-values.ts'

describe('values that are shown', () => {
  test('are those of short fields, and of a list what comes and goes', () => {
    expect(
      shownValues(
        { email: 'a@old', groups: [['users'], ['p', 'one']], text: 'x'.repeat(500), same: 1 },
        { email: 'a@new', groups: [['admin'], ['users']], text: '', same: 1, enabled: true },
      ),
    ).toEqual([
      { field: 'email', was: 'a@old', will: 'a@new' },
      { field: 'enabled', will: true },
      { field: 'groups', comes: [['admin']], goes: [['p', 'one']] },
    ])
  })

  test('are never those of a field that sounds like a secret, wherever it stands', () => {
    const names = [
      'clientSecret',
      'password',
      'accessToken',
      'credentials',
      'privateKey',
      'passwordHash',
      'api_key',
      'key',
    ]
    for (const name of names) expect(shownValues({}, { [name]: 'x', attributes: { [name]: 'x' } })).toEqual([])
    expect(shownValues({}, { credentials: { otp: { label: 'x' } } })).toEqual([])
    expect(shownValues({}, { monkey: 'x' })).toHaveLength(1)
  })

  test('are a few', () => {
    const many = Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`field${index}`, index]))
    expect(shownValues({}, many).length).toBeLessThan(10)
  })
})
