import { describe, expect, test } from '@jest/globals'
import { differenceWords, shownText } from '../../../../lib/cli/restore/value-words.ts'

describe('differences in words', () => {
  test('say what a field was and will be', () => {
    const values = [
      { field: 'email', was: 'ann@old', will: 'ann@new' },
      { field: 'enabled', was: false, will: true },
      { field: 'firstName', was: null, will: 'Ann' },
      { field: 'mode', was: '0644', will: '0600' },
    ]
    expect(differenceWords(['email', 'enabled', 'firstName', 'mode'], values)).toEqual([
      'email: ann@old → ann@new',
      'enabled: no → yes',
      'firstName: none → Ann',
      'mode: 0644 → 0600',
    ])
  })

  test('say of a list what comes and what goes, of groups by their path', () => {
    const groups = { field: 'groups', comes: [['projects', 'p1']], goes: [['users']] }
    expect(differenceWords(['groups'], [groups])).toEqual(['groups: + /projects/p1 − /users'])
    expect(differenceWords(['roles'], [{ field: 'roles', comes: [], goes: [] }])).toEqual(['roles: another order'])
  })

  test('say of a content that it is another, and its length and time with it', () => {
    const values = [
      { field: 'mtime', was: '1769990404000000000', will: '1' },
      { field: 'size', was: 624, will: 2048 },
    ]
    expect(differenceWords(['content', 'mtime', 'size'], values)).toEqual(['content: 624 B → 2.0 KiB'])
    expect(differenceWords(['mtime'], [{ field: 'mtime', was: '1769990404000000000', will: '0' }])).toEqual([
      'mtime: 2026-02-02 00:00:04 UTC → 1970-01-01 00:00:00 UTC',
    ])
  })

  test('name fields whose values are not shown, and secrets', () => {
    expect(differenceWords(['credentials.password', 'secrets.password'], [])).toEqual([
      'credentials.password, secret password',
    ])
  })

  test('bring no control character to the terminal, nor what turns the direction of text', () => {
    const evil = '\u001b[31mred\u009b0m\u202egnp.exe'
    for (const text of [shownText(evil), ...differenceWords(['a'], [{ field: 'a', was: evil, will: [evil] }])])
      expect(text).not.toMatch(/[\p{Cc}\p{Cf}]/u)
  })
})
