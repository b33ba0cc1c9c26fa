import { describe, expect, test } from '@jest/globals'
import { Latency } from '../../../../lib/components/files/latency.ts'

function after(...calls: readonly number[]): Latency {
  const latency = new Latency()
  for (const ms of calls) latency.add(ms)
  return latency
}

const times = (count: number, ms: number): number[] => Array.from({ length: count }, () => ms)

describe('how long a call takes', () => {
  test('is not judged by a few calls, nor by some that were slow among many', () => {
    expect(after(...times(8, 5)).isSlow).toBe(false)
    expect(after(...times(7, 50), ...times(9, 0.01)).isSlow).toBe(false)
  })

  test('is told when most calls are slow, and again when they are quick', () => {
    const latency = after(...times(16, 1))
    expect(latency.isSlow).toBe(true)
    for (const ms of times(16, 0.02)) latency.add(ms)
    expect(latency.isSlow).toBe(false)
  })

  test('is believed when others measured it, until enough is measured here', () => {
    const latency = after(...times(5, 0.01))
    latency.expect(2)
    expect(latency.isSlow).toBe(true)
    expect(latency.ms).toBe(2)
    for (const ms of times(16, 0.02)) latency.add(ms)
    expect(latency.isSlow).toBe(false)
  })

  test('says how many calls go together: the longer each takes, the more, up to the most', () => {
    expect(after(...times(16, 0.3)).atOnce(32)).toBe(10)
    expect(after(...times(16, 1)).atOnce(32)).toBe(32)
    expect(after(...times(16, 40)).atOnce(32)).toBe(32)
    expect(after(...times(16, 0.01)).atOnce(32)).toBe(4)
  })
})
