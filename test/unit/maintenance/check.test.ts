import { describe, expect, test } from '@jest/globals'
import { TorikiError } from '../../../lib/errors.ts'
import { partOfDay } from '../../../lib/maintenance/check.ts'

const DAY_MS = 24 * 60 * 60 * 1000
const packs = Array.from({ length: 5_000 }, (_, at) => `pack${at}`)

describe('the part of the content that is read on a day', () => {
  test.each([1, 2, 10, 33, 100])(
    'of %i percent: daily checks read every pack within 90 days, each once a round',
    (percent) => {
      const days = Math.min(90, Math.ceil(100 / percent))
      const reads = new Map(packs.map((pack) => [pack, 0]))
      for (let day = 0; day < days; day++) {
        const isMeant = partOfDay(percent, new Date(Date.parse('2026-11-28T02:00:00Z') + day * DAY_MS))
        for (const pack of packs) if (isMeant(pack)) reads.set(pack, (reads.get(pack) ?? 0) + 1)
      }
      expect(new Set(reads.values())).toEqual(new Set([1]))
    },
  )

  test('is about as large as was asked for', () => {
    const isMeant = partOfDay(10, new Date('2026-11-28T02:00:00Z'))
    const share = packs.filter(isMeant).length / packs.length
    expect(share).toBeGreaterThan(0.08)
    expect(share).toBeLessThan(0.12)
  })

  test.each([0, -1, 101, Number.NaN])('refuses %d percent', (percent) => {
    expect(() => partOfDay(percent, new Date())).toThrow(TorikiError)
  })
})
