import { describe, expect, test } from '@jest/globals'
import { formatSentences, SharedSentences, whomWords } from '../../../../lib/cli/restore/shared-sentences.ts'

describe('sentences that many share', () => {
  test('stand once, the most frequent first, with a count and the first few', () => {
    const sentences = new SharedSentences()
    sentences.add('A rare one.', 'user/zoe')
    for (let index = 0; index < 12; index++) sentences.add('No hash.', `user/u${index}`)
    expect(formatSentences(sentences.all(), 80)).toBe(
      '  - No hash. (user/u0, user/u1, user/u2, user/u3, user/u4 and 7 more)\n  - A rare one. (user/zoe)\n',
    )
  })

  test('name nobody twice, and nobody raw', () => {
    const sentences = new SharedSentences()
    for (const whom of ['user/ann', 'user/ann', 'user/\u001b[31m']) sentences.add('Twice.', whom)
    const [only] = sentences.all()
    expect(only?.whom).toHaveLength(2)
    expect(whomWords(only!)).toBe('user/ann, user/%1B[31m and 1 more')
  })

  test('that are all different do not fill memory', () => {
    const sentences = new SharedSentences()
    for (let index = 0; index < 10_000; index++) sentences.add(`Reason ${index}.`, 'user/ann')
    expect(sentences.all().length).toBeLessThan(300)
    expect(sentences.all().reduce((sum, { count }) => sum + count, 0)).toBe(10_000)
  })

  test('wrap with their second line below the first', () => {
    const sentences = new SharedSentences()
    sentences.add('A sentence that needs more than one line of forty.', 'user/ann')
    expect(formatSentences(sentences.all(), 40)).toBe(
      '  - A sentence that needs more than one\n    line of forty. (user/ann)\n',
    )
  })
})
