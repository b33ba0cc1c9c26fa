import { once } from 'node:events'
import { expect, test } from '@jest/globals'
import { RequestDeadlines } from '../../../../lib/components/keycloak/request-deadlines.ts'

test('requests that begin within the shared time have one signal, a later one has its own', () => {
  let nowMs = 1_000
  const deadlines = new RequestDeadlines({ clock: { monotonicMs: () => nowMs }, timeoutMs: 60_000, sharedMs: 5_000 })
  const first = deadlines.next()
  nowMs += 4_999
  expect(deadlines.next()).toBe(first)
  nowMs += 1
  const second = deadlines.next()
  expect(second).not.toBe(first)
  nowMs += 1
  expect(deadlines.next()).toBe(second)
})

test('the last request that shares a signal still has its whole time-out, and then it ends', async () => {
  const beganMs = performance.now()
  const deadlines = new RequestDeadlines({ clock: realTime(), timeoutMs: 20, sharedMs: 30 })
  const signal = deadlines.next()
  expect(signal.aborted).toBe(false)
  const stays = setTimeout(() => undefined, 60_000) // the signal's own timer keeps no process alive
  await once(signal, 'abort')
  clearTimeout(stays)
  expect(performance.now() - beganMs).toBeGreaterThanOrEqual(49)
  expect(signal.reason).toMatchObject({ name: 'TimeoutError' })
})

function realTime(): { monotonicMs(): number } {
  return { monotonicMs: () => performance.now() }
}
