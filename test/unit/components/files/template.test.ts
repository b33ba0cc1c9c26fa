import { describe, expect, test } from '@jest/globals'
import { isTorikiError } from '../../../../lib/errors.ts'
import {
  isReserved,
  memberEntry,
  memberName,
  parseTemplate,
  refuseSame,
} from '../../../../lib/components/files/template.ts'

function refusal(action: () => unknown): string {
  try {
    action()
  } catch (error) {
    if (isTorikiError(error, 'settings-invalid')) return error.message
    throw error
  }
  throw new Error('this template was taken')
}

describe('a path template', () => {
  test('names a directory with one placeholder, with fixed directories above and below', () => {
    expect(parseTemplate('home/{user}', 'user')).toMatchObject({ above: ['home'], prefix: '', suffix: '', below: [] })
    expect(parseTemplate('volumes/claim-{user}-rwx/data', 'user')).toMatchObject({
      above: ['volumes'],
      prefix: 'claim-',
      suffix: '-rwx',
      below: ['data'],
    })
    expect(parseTemplate('{group}', 'group')).toMatchObject({ above: [], prefix: '', below: [] })
  })

  test.each([
    ['home', 'lacks {user}'],
    ['home/{group}', 'lacks {user}'],
    ['home/{user}/{user}', 'more than once'],
    ['{user}{user}', 'more than once'],
    ['home/{team}-{user}', 'a brace'],
    ['/home/{user}', 'not relative'],
    ['home//{user}', 'empty'],
    ['../{user}', '..'],
    ['./{user}', '.'],
    ['home/{user}/', 'empty'],
    ['home/\0{user}', 'a character'],
  ])('%j is refused, saying why', (text, why) => {
    expect(refusal(() => parseTemplate(text, 'user'))).toContain(why)
  })

  test('gives each name an entry and each entry its name, as bytes', () => {
    const template = parseTemplate('claim-{user}.v1', 'user')
    for (const name of ['ann', 'a.b', 'caf\xe9', '\xff', 'claim-']) {
      const local = Buffer.from(name, 'latin1')
      expect(memberName(template, memberEntry(template, local))).toEqual(local)
    }
    expect(memberName(template, 'claim-.v1')).toBeUndefined()
    expect(memberName(template, 'other-ann.v1')).toBeUndefined()
    expect(memberName(template, 'claim-ann')).toBeUndefined()
  })

  test('keeps the names that are nobody’s, and the way to the other template, from being people', () => {
    const home = parseTemplate('home/{user}', 'user')
    const group = parseTemplate('shared/{group}', 'group')
    expect(isReserved(home, 'user', 'shared', group)).toBe(true)
    expect(isReserved(group, 'group', 'shared', home)).toBe(false)
    expect(isReserved(home, 'user', 'lost+found', group)).toBe(true)
    expect(isReserved(home, 'user', 'ann', group)).toBe(false)
    const flat = parseTemplate('{user}', 'user')
    expect(isReserved(flat, 'user', 'teams', parseTemplate('teams/{group}', 'group'))).toBe(true)
  })

  test('cannot be the same for users and groups', () => {
    expect(refusal(() => refuseSame(parseTemplate('x/{user}', 'user'), parseTemplate('x/{group}', 'group')))).toContain(
      'same directories',
    )
  })
})
