import { readFileSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'
import { errorCatalogue, isTorikiError, toTorikiError, TorikiError } from '../../lib/errors.ts'
import { errorsPage } from '../kit/errors-page.ts'

describe('the catalogue of errors', () => {
  test('is what docs/errors.md says (else: node test/kit/errors-page.ts > docs/errors.md)', () => {
    expect(readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8')).toBe(errorsPage())
  })

  test.each(Object.entries(errorCatalogue))(
    '%s has a sentence and a remedy, each ending as one',
    (_code, { message, remedy }) => {
      expect(message).toMatch(/^[A-Z].*\.$/)
      expect(remedy).toMatch(/^[A-Z].*[.`]$/)
    },
  )

  test('an error takes retry class and remedy from it, unless more is known', () => {
    expect(new TorikiError('store-full')).toMatchObject({
      code: 'store-full',
      retry: 'later',
      message: 'The store has no room left.',
    })
    expect(new TorikiError('store-full', { message: 'Disk 7 is full.', retry: 'never' })).toMatchObject({
      message: 'Disk 7 is full.',
      retry: 'never',
    })
  })

  test('anything thrown becomes coded, with the original as its cause and none of its text', () => {
    const original = new Error('ENOENT /home/ann/secret-plan')
    const coded = toTorikiError(original)
    expect(coded.code).toBe('internal')
    expect(coded.cause).toBe(original)
    expect(coded.message).not.toContain('ann')
    expect(toTorikiError(coded)).toBe(coded)
    expect(isTorikiError(coded, 'internal')).toBe(true)
    expect(isTorikiError(original)).toBe(false)
  })
})
