import { expect, test } from '@jest/globals'
import { NextLook } from '../../../lib/cli/next-look.ts'
import type { Clock } from '../../../lib/platform/clock.ts'

/** A clock whose sleeps end when somebody says so. */
function sleeper(): { readonly clock: Clock; readonly sleeping: () => number; readonly wake: () => void } {
  let ends: (() => void)[] = []
  return {
    clock: {
      now: () => new Date(0),
      monotonicMs: () => 0,
      sleep: (_ms, signal) =>
        new Promise((resolve, reject) => {
          ends.push(resolve)
          signal?.addEventListener('abort', () => reject(signal.reason as Error))
        }),
    },
    sleeping: () => ends.length,
    wake() {
      for (const end of ends) end()
      ends = []
    },
  }
}
const never = new AbortController().signal

test('a look is due as soon as as many slices ended as were left, and not before', async () => {
  const { clock } = sleeper()
  const next = new NextLook(clock)
  let isDue = false
  next.begins()
  const due = next.due(2, 250, never).then(() => (isDue = true))
  next.ended()
  await new Promise(setImmediate)
  expect(isDue).toBe(false)
  next.ended()
  await due
})

test('what ended while the look was under way makes the next one due at once, once', async () => {
  const { clock, sleeping } = sleeper()
  const next = new NextLook(clock)
  next.begins()
  next.ended()
  await next.due(1, 250, never)
  expect(sleeping()).toBe(0)
  next.begins()
  void next.due(1, 250, never)
  expect(sleeping()).toBe(1)
})

test('where no slice is left, the end of one tells nothing', () => {
  const { clock, sleeping } = sleeper()
  const next = new NextLook(clock)
  next.begins()
  next.ended()
  void next.due(0, 250, never)
  expect(sleeping()).toBe(1)
})

test('otherwise it is due after a while, or when the person does not want to wait', async () => {
  const { clock, wake } = sleeper()
  const next = new NextLook(clock)
  const slow = next.due(1, 250, never)
  wake()
  await slow
  const stopped = new AbortController()
  const due = next.due(1, 250, stopped.signal)
  stopped.abort(new Error('stopped'))
  await due
})
