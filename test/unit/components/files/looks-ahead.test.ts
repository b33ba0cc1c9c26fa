import { mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { HandleDirectory, openHandle } from '../../../../lib/components/files/handle-directory.ts'
import { LooksAhead } from '../../../../lib/components/files/looks-ahead.ts'
import { loadNative } from '../../../../lib/components/files/native.ts'
import type { Native } from '../../../../lib/components/files/native.ts'
import { walk, walkSoon } from '../../../../lib/components/files/walk.ts'
import type { Visit, WalkOptions } from '../../../../lib/components/files/walk.ts'
import { systemClock } from '../../../../lib/platform/clock.ts'
import { makeScratch } from '../../../kit/homes/scratch.ts'

const native = await loadNative()
const described = native?.hasOpenat2 === true ? describe : describe.skip

let scratch: ReturnType<typeof makeScratch>
beforeEach(() => {
  scratch = makeScratch()
})
afterEach(() => scratch.remove())

const told = ({ path, finding, stat, target }: Visit): string =>
  [path, finding, stat?.type, stat?.sizeBytes, stat?.inode, stat?.mtimeNs, target?.toString()].join(' ')

function home(path: string): HandleDirectory {
  const directory = openHandle(path, { native })
  if (!(directory instanceof HandleDirectory)) throw new Error('by handle')
  return directory
}

function plainly(path: string, options?: WalkOptions): string[] {
  const directory = home(path)
  try {
    return [...walk(directory, options)].map(told)
  } finally {
    directory.close()
  }
}

/** `slowAfter`: so many visits later the file system turns slow. */
async function ahead(
  path: string,
  options: WalkOptions & {
    readonly slowAfter?: number
    readonly until?: number
    readonly during?: (at: number) => void
  } = {},
): Promise<{ readonly visits: string[]; readonly waits: number }> {
  const { slowAfter = 0, until = Number.POSITIVE_INFINITY, during } = options
  const directory = home(path)
  const looks = new LooksAhead(native!, options.leavesOut ?? (() => false), systemClock)
  const visits: string[] = []
  let waits = 0
  const turnSlow = (): void => {
    for (let calls = 0; calls < 16; calls++) looks.latency.add(2)
  }
  if (slowAfter === 0) turnSlow()
  const walked = looks.home(directory)
  try {
    for (const visit of walkSoon(walked, options)) {
      if (visit instanceof Promise) {
        waits++
        await visit
        continue
      }
      visits.push(told(visit))
      during?.(visits.length)
      if (visits.length === slowAfter) turnSlow()
      if (visits.length >= until) break
    }
  } finally {
    walked.release()
    directory.close()
  }
  return { visits, waits }
}

/** Nothing is under way any more, and nothing is held. */
async function handlesAreBack(before: number): Promise<void> {
  while (readdirSync('/proc/self/fd').length > before) await setImmediate()
}

async function handlesOpen(): Promise<number> {
  // The pool and its handles are there from the first call on.
  mkdirSync(join(scratch.path, 'warm', 'up'), { recursive: true })
  await ahead(join(scratch.path, 'warm'))
  return readdirSync('/proc/self/fd').length
}

described('a walk whose answers are fetched ahead', () => {
  test('sees what a walk sees, in the same order, whenever the file system turns slow', async () => {
    const before = await handlesOpen()
    const name = fc.constantFrom('a', 'b', 'c.txt', 'd', 'é', '-')
    const tree = fc.array(
      fc.tuple(fc.array(name, { minLength: 1, maxLength: 4 }), fc.constantFrom('directory', 'file', 'link')),
      { maxLength: 30 },
    )
    let round = 0
    await fc.assert(
      fc.asyncProperty(tree, fc.integer({ min: 0, max: 12 }), async (entries, slowAfter) => {
        const path = join(scratch.path, String(round++))
        mkdirSync(path)
        for (const [names, what] of entries) {
          try {
            mkdirSync(join(path, ...names.slice(0, -1)), { recursive: true })
            if (what === 'directory') mkdirSync(join(path, ...names))
            else if (what === 'file') writeFileSync(join(path, ...names), names.join(), { flag: 'wx' })
            else symlinkSync('a', join(path, ...names))
          } catch {
            // There is something else of that name: as good.
          }
        }
        expect((await ahead(path, { slowAfter })).visits).toEqual(plainly(path))
      }),
      { numRuns: 60 },
    )
    await handlesAreBack(before)
  })

  test('goes through more directories than may be open ahead, and waits for them', async () => {
    const before = await handlesOpen()
    for (let wide = 0; wide < 150; wide++) {
      const path = join(scratch.path, 'wide', `d${wide}`, 'deeper')
      mkdirSync(path, { recursive: true })
      for (let file = 0; file < 8; file++) writeFileSync(join(path, `f${file}`), 'x'.repeat(file))
    }
    const { visits, waits } = await ahead(join(scratch.path, 'wide'))
    expect(visits).toEqual(plainly(join(scratch.path, 'wide')))
    expect(waits).toBeGreaterThan(0)
    const after = ['d77', 'deeper', 'f3']
    expect((await ahead(join(scratch.path, 'wide'), { after })).visits).toEqual(
      plainly(join(scratch.path, 'wide'), { after }),
    )
    await handlesAreBack(before)
  })

  test('does not wait for ever for a directory whose look took longer than those of all that may be open ahead', async () => {
    const path = join(scratch.path, 'wide')
    for (let wide = 0; wide < 150; wide++)
      mkdirSync(join(path, `d${String(wide).padStart(3, '0')}`), { recursive: true })
    const directory = home(path)
    let release: (() => void) | undefined
    // Everything of the system's own; one answer is kept back.
    const held: Native = Object.create(native!, {
      statxSoon: {
        value: (...[handle, name, memory, done]: Parameters<Native['statxSoon']>) =>
          native!.statxSoon(handle, name, memory, (stat) => {
            if (name === 'd000' && release === undefined) release = () => done(stat)
            else done(stat)
          }),
      },
    }) as Native
    const looks = new LooksAhead(held, () => false, systemClock)
    for (let calls = 0; calls < 16; calls++) looks.latency.add(2)
    const walked = looks.home(directory)
    const visits: string[] = []
    for (const visit of walkSoon(walked)) {
      if (visit instanceof Promise) {
        while (release === undefined || (visits.length === 1 && looks.directories < 64)) await setImmediate()
        release()
        release = () => undefined
        await visit
      } else visits.push(told(visit))
    }
    walked.release()
    directory.close()
    expect(visits).toEqual(plainly(path))
  })

  test('gives back every handle where it is left early', async () => {
    const before = await handlesOpen()
    for (let wide = 0; wide < 90; wide++)
      mkdirSync(join(scratch.path, 'wide', `d${wide}`, 'deeper'), { recursive: true })
    for (const until of [1, 2, 7, 50]) await ahead(join(scratch.path, 'wide'), { until })
    await handlesAreBack(before)
  })

  test('does not open what is left out', async () => {
    mkdirSync(join(scratch.path, 'home', 'out', 'inside'), { recursive: true })
    mkdirSync(join(scratch.path, 'home', 'in', 'inside'), { recursive: true })
    const leavesOut = (path: string): boolean => path === 'out'
    const { visits } = await ahead(join(scratch.path, 'home'), { leavesOut })
    expect(visits).toEqual(plainly(join(scratch.path, 'home'), { leavesOut }))
  })

  test('never enters what a name stands for by now instead of what was looked at', async () => {
    const path = join(scratch.path, 'home')
    for (const name of ['a', 'b', 'c']) mkdirSync(join(path, name, 'own'), { recursive: true })
    mkdirSync(join(scratch.path, 'elsewhere', 'secret'), { recursive: true })
    const { visits } = await ahead(path, {
      during: (at) => {
        if (at !== 2) return
        renameSync(join(path, 'b'), join(scratch.path, 'moved'))
        symlinkSync(join(scratch.path, 'elsewhere'), join(path, 'b'))
        rmSync(join(path, 'c'), { recursive: true })
      },
    })
    // Seen before it was replaced, or after: never through the link.
    expect(visits.filter((visit) => visit.includes('secret'))).toEqual([])
    expect(visits.some((visit) => /^b (entry|vanished)/.test(visit))).toBe(true)
    expect(visits.some((visit) => /^c (entry|vanished)/.test(visit))).toBe(true)
  })
})
