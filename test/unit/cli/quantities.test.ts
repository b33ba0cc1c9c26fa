import { describe, expect, test } from '@jest/globals'
import { formatBytes, formatCount, formatDuration, formatTime, plural } from '../../../lib/cli/quantities.ts'

describe('quantities as people read them', () => {
  test.each([
    [0, '0 B'],
    [999, '999 B'],
    [1024, '1.0 KiB'],
    [10_240, '10 KiB'],
    [1_048_575, '1.0 MiB'],
    [5.5 * 2 ** 30, '5.5 GiB'],
    [2 ** 50, '1.0 PiB'],
  ])('bytes: %d is %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text))

  test.each([
    [400, '0.4 s'],
    [9_960, '10 s'],
    [60_000, '1 min'],
    [200_000, '3 min 20 s'],
    [7_500_000, '2 h 5 min'],
  ])('durations: %d ms is %s', (ms, text) => expect(formatDuration(ms)).toBe(text))

  test('counts have separators, times are UTC, one is not many', () => {
    expect(formatCount(1234567)).toBe('1,234,567')
    expect(formatTime('2026-11-21T02:00:05.123Z')).toBe('2026-11-21 02:00:05')
    expect([plural(1, 'slice'), plural(2000, 'slice')]).toEqual(['1 slice', '2,000 slices'])
  })
})
