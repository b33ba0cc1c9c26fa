import { describe, expect, test } from '@jest/globals'
import { TorikiError } from '../../../lib/errors.ts'
import { RETRY_AFTER_MS_MAX, RETRY_FIRST_MS, RETRY_LAST_MS, RETRY_TRIES_MAX } from '../../../lib/limits.ts'
import { retrying } from '../../../lib/platform/retry.ts'
import { FakeClock } from '../../kit/fake-clock.ts'
import { seededRandom } from '../../kit/seeded-random.ts'

const random = { ...seededRandom(1), fraction: () => 0.5 }
const unavailable = (retryAfterMs?: number): TorikiError =>
  new TorikiError('store-unavailable', retryAfterMs === undefined ? {} : { retryAfterMs })

async function pausesOf(
  errors: readonly Error[],
  options: { readonly fraction?: number } = {},
): Promise<{ pauses: number[]; result: unknown; calls: number }> {
  const clock = new FakeClock({ auto: true })
  const pauses: number[] = []
  let calls = 0
  const result = await retrying(
    async () => {
      const error = errors[calls++]
      if (error !== undefined) throw error
      return 'done'
    },
    {
      clock,
      random: { ...random, fraction: () => options.fraction ?? 0.5 },
      onRetry: (_error, _tries, pauseMs) => pauses.push(pauseMs),
    },
  ).catch((error: unknown) => error)
  return { pauses, result, calls }
}

describe('retrying', () => {
  test('what succeeds is called once', async () => {
    expect(await pausesOf([])).toEqual({ pauses: [], result: 'done', calls: 1 })
  })

  test('a passing failure is tried again after pauses that double, each a share of itself', async () => {
    expect(await pausesOf([unavailable(), unavailable(), unavailable()])).toEqual({
      pauses: [RETRY_FIRST_MS / 2, RETRY_FIRST_MS, RETRY_FIRST_MS * 2],
      result: 'done',
      calls: 4,
    })
    expect((await pausesOf([unavailable(), unavailable()], { fraction: 0 })).pauses).toEqual([0, 0])
  })

  test('after the last try the last error comes out unchanged, and no pause was longer than the bound', async () => {
    const errors = Array.from({ length: 20 }, () => unavailable())
    const { pauses, result, calls } = await pausesOf(errors, { fraction: 1 })
    expect(calls).toBe(RETRY_TRIES_MAX)
    expect(result).toBe(errors[RETRY_TRIES_MAX - 1])
    expect(Math.max(...pauses)).toBeLessThanOrEqual(RETRY_LAST_MS)
  })

  test.each([new TorikiError('store-refused'), new TorikiError('store-full'), new TypeError('a mistake')])(
    '%s is not tried again',
    async (error) => {
      expect(await pausesOf([error])).toEqual({ pauses: [], result: error, calls: 1 })
    },
  )

  test('a pause that the source asks for is kept to the full; a longer one than the bound is not waited for', async () => {
    expect((await pausesOf([unavailable(5000)])).pauses).toEqual([5000 + RETRY_FIRST_MS / 2])
    const tooLong = unavailable(RETRY_AFTER_MS_MAX + 1)
    expect(await pausesOf([tooLong])).toEqual({ pauses: [], result: tooLong, calls: 1 })
  })

  test('an abort ends the pause with its reason', async () => {
    const stop = new AbortController()
    const clock = new FakeClock()
    const result = retrying(() => Promise.reject(unavailable()), { clock, random, signal: stop.signal })
    await clock.untilSleeping()
    stop.abort(new TorikiError('interrupted'))
    await expect(result).rejects.toMatchObject({ code: 'interrupted' })
    expect(clock.sleeping).toBe(0)
  })
})
