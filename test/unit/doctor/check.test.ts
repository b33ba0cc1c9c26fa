import { expect, test } from '@jest/globals'
import type { Check } from '../../../lib/components/component.ts'
import { opening, startNow } from '../../../lib/doctor/check.ts'

const ok = (check: string): Check => ({ check, ok: true })

/** Yields one line, waits until it is let go, yields another. */
async function* held(name: string, letGo: Promise<unknown>): AsyncGenerator<Check, string, void> {
  yield ok(`${name} 1`)
  await letGo
  yield ok(`${name} 2`)
  return name
}

test('what was started goes on by itself, gives its lines as they come, and what it opened', async () => {
  const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  let isSecondDone = false
  const one = startNow(held('one', first.promise))
  const two = startNow(
    (async function* () {
      const opened = yield* held('two', second.promise)
      isSecondDone = true
      return opened
    })(),
  )
  const lines = one()
  expect(await lines.next()).toEqual({ done: false, value: ok('one 1') })
  const waiting = lines.next()
  second.resolve()
  while (!isSecondDone) await Promise.resolve()
  first.resolve()
  expect(await waiting).toEqual({ done: false, value: ok('one 2') })
  expect(await lines.next()).toEqual({ done: true, value: 'one' })
  const later = two()
  expect([await later.next(), await later.next(), await later.next()]).toEqual([
    { done: false, value: ok('two 1') },
    { done: false, value: ok('two 2') },
    { done: true, value: 'two' },
  ])
})

test('what is thrown is told to whoever asks, behind the lines before it', async () => {
  const started = startNow(
    (async function* (): AsyncGenerator<Check, void, void> {
      yield ok('before')
      throw new Error('a mistake of ours')
    })(),
  )
  await Promise.resolve()
  const lines = started()
  expect(await lines.next()).toEqual({ done: false, value: ok('before') })
  await expect(lines.next()).rejects.toThrow('a mistake of ours')
})

test('what cannot be opened is a line, and nothing is given', async () => {
  const lines = opening('a door', () => {
    throw new Error('no key')
  })
  expect(await lines.next()).toEqual({
    done: false,
    value: { check: 'a door', ok: false, remedy: expect.stringContaining('unforeseen') },
  })
  expect(await lines.next()).toEqual({ done: true, value: undefined })
})
