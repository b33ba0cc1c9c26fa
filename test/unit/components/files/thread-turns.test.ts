import { readFileSync, readdirSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { expect, test } from '@jest/globals'
import { loadKoffi } from '../../../../lib/components/files/load-koffi.ts'
import { loadNative } from '../../../../lib/components/files/native.ts'
import { bindTurns } from '../../../../lib/components/files/thread-turns.ts'
import type { ProcessorTimes } from '../../../../lib/components/files/thread-turns.ts'

const native = await loadNative()
const USUAL = 0
const BATCH = 3
const IDLE = 5

/** How the system schedules each thread of this process: the forty-first field of its `stat`. */
function policies(): readonly number[] {
  return readdirSync('/proc/self/task').map((thread) => {
    const text = readFileSync(`/proc/self/task/${thread}/stat`, 'latin1')
    return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[38])
  })
}

const tested = native === undefined ? test.skip : test

/** A machine of one processor: every look finds a second more of it gone, so much of it to others. */
function machine(of: { others: number }): () => ProcessorTimes {
  let [busy, idle, own] = [0, 0, 0]
  return () => {
    busy += 300 + of.others
    idle += 700 - of.others
    own += 300
    return { busy, idle, own }
  }
}

type Libc = Parameters<typeof bindTurns>[0]

tested(
  'threads wait for their turn while there is processor to spare, beside others not, and afterwards as before',
  async () => {
    // The pool's threads are there too. Whoever started this process may have chosen for us.
    await stat('.')
    const before = new Set(policies())
    const waiting = new Set([BATCH])
    const of = { others: 0 }
    const koffi = await loadKoffi()
    const threads = bindTurns(koffi.load(null), machine(of))
    const first = threads.begin()
    first.look()
    expect(new Set(policies())).toEqual(waiting)
    of.others = 400
    first.look()
    expect(new Set(policies())).toEqual(before)
    of.others = 0
    first.look()
    const second = threads.begin()
    first.end()
    first.end()
    expect(new Set(policies())).toEqual(waiting)
    second.end()
    expect(new Set(policies())).toEqual(before)
  },
)

tested.each([IDLE, BATCH])('a process that was started with policy %i keeps it', (chosen) => {
  const changed: number[] = []
  const libc = {
    func: (signature: string) =>
      signature.includes('policy') ? (_number: number, thread: number) => changed.push(thread) : () => chosen,
  }
  const turns = bindTurns(libc as unknown as Libc, machine({ others: 0 })).begin()
  turns.look()
  turns.end()
  expect(changed).toEqual([])
})

tested('what the system does not allow is left as it is', () => {
  const libc = { func: (signature: string) => () => (signature.includes('policy') ? -1 : USUAL) }
  const turns = bindTurns(libc as unknown as Libc, machine({ others: 0 })).begin()
  expect(() => {
    turns.look()
    turns.end()
  }).not.toThrow()
})
