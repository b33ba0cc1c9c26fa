import { expect, test } from '@jest/globals'
import { Together } from '../../../../../lib/components/files/write/together.ts'
import { tellsErrors } from '../../../../../lib/components/files/write/flushing.ts'
import type { Applied } from '../../../../../lib/components/writer.ts'

const APPLIED: Applied = { kind: 'applied', complete: false }
const CONFLICT: Applied = { kind: 'conflict', fields: ['size'] }

/** Changes by number: each says when it begins, is flushed, and is put in place or cleared away. */
function scene({ flush = () => Promise.resolve() }: { readonly flush?: () => Promise<void> } = {}) {
  const said: string[] = []
  const together = new Together(async (handles) => {
    said.push(`flush ${handles.join(' ')}`)
    await flush()
  })
  const begin = (number: number, end: Applied | Error = APPLIED, waits = true): Promise<boolean> =>
    together.begin(async (before) => {
      said.push(`begin ${number}`)
      try {
        if (waits) await before(number)
        if (end instanceof Error) throw end
      } catch (error) {
        said.push(`clear ${number}`)
        throw error
      }
      said.push(`end ${number}`)
      return end
    })
  return { said, together, begin }
}

test('all are begun in their order, flushed once, and put in place in their order', async () => {
  const { said, together, begin } = scene()
  for (const number of [1, 2, 3]) expect(await begin(number)).toBe(true)
  expect(await together.results()).toEqual([APPLIED, APPLIED, APPLIED])
  expect(said).toEqual(['begin 1', 'begin 2', 'begin 3', 'flush 1 2 3', 'end 1', 'end 2', 'end 3'])
})

test('what needs no flush has ended before the next begins', async () => {
  const { said, together, begin } = scene()
  await begin(1)
  await begin(2, APPLIED, false)
  await begin(3)
  expect(await together.results()).toHaveLength(3)
  expect(said).toEqual(['begin 1', 'begin 2', 'end 2', 'begin 3', 'flush 1 3', 'end 1', 'end 3'])
})

test('on request what waits is put in place before more begins', async () => {
  const { said, together, begin } = scene()
  await begin(1)
  await together.goOn()
  await begin(2)
  await together.results()
  expect(said).toEqual(['begin 1', 'flush 1', 'end 1', 'begin 2', 'flush 2', 'end 2'])
})

test('after a conflict nothing more is put in place or begun, and the results end with it', async () => {
  const { said, together, begin } = scene()
  await begin(1)
  await begin(2, CONFLICT)
  await begin(3)
  expect(await together.results()).toEqual([APPLIED, CONFLICT])
  expect(said.slice(-4)).toEqual(['flush 1 2 3', 'end 1', 'end 2', 'clear 3'])
  expect(await begin(4)).toBe(false)
})

test('a failure clears away what waits, and is what is thrown', async () => {
  const { said, together, begin } = scene()
  await begin(1)
  await begin(2, new Error('disk'), false)
  expect(await begin(3)).toBe(false)
  await expect(together.results()).rejects.toThrow('disk')
  expect(said).toEqual(['begin 1', 'begin 2', 'clear 2', 'clear 1'])
})

test('a flush that fails puts nothing in place', async () => {
  const { said, together, begin } = scene({ flush: () => Promise.reject(new Error('full')) })
  await begin(1)
  await begin(2)
  await expect(together.results()).rejects.toThrow('full')
  expect(said).toEqual(['begin 1', 'begin 2', 'flush 1 2', 'clear 1', 'clear 2'])
})

test.each([
  ['6.18.5', true],
  ['5.8.0-1-generic', true],
  ['5.4.0', false],
  ['4.19', false],
  ['10.0', true],
])('Linux %s tells in a flush of the whole what could not be written: %s', (version, is) => {
  expect(tellsErrors(version)).toBe(is)
})
