/** A person who works in the home while it is restored, and while that is taken back, loses nothing of what he wrote: it is kept, and reported. */
import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  closeSync,
  existsSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { groundOf } from '../../../lib/components/files/ground.ts'
import { loadNative } from '../../../lib/components/files/native.ts'
import { SystemFailure } from '../../../lib/components/files/system-failure.ts'
import { loadNativeWrites } from '../../../lib/components/files/write/native-writes.ts'
import { namesFor } from '../../../lib/components/files/write/put-in-place.ts'
import { writingCalls } from '../../../lib/components/files/write/writing-calls.ts'
import { waysToWrite } from '../../contract/files-writer.ts'
import { filesHouse, imageOf } from '../../kit/homes/files-house.ts'
import type { FilesHouse } from '../../kit/homes/files-house.ts'
import { makeScratch } from '../../kit/homes/scratch.ts'

const RUN = '20261121T020000000Z-full-0000000001'
const native = await loadNative()
const nativeWrites = await loadNativeWrites()

describe.each(waysToWrite)('somebody who works there meanwhile, by $name', ({ ground, isNative }) => {
  let scratch: ReturnType<typeof makeScratch>
  let house: FilesHouse
  let met: boolean

  beforeEach(async () => {
    scratch = makeScratch()
    const calls = writingCalls(isNative ? nativeWrites : undefined)
    house = await filesHouse({ root: join(scratch.path, 'root'), ground: groundOf(ground, native), calls })
    for (const folder of ['gone', 'kept']) {
      mkdirSync(house.at(folder))
      for (const name of ['a', 'b', 'c']) writeFileSync(house.at(folder, name), `${name} of ${folder}`)
    }
    // Node alone sets whole seconds exactly.
    settle(house.home, '2026-11-19T10:00:00Z')
    await house.backUp(RUN)
    rmSync(house.at('gone'), { recursive: true })
    for (const name of ['a', 'b', 'c']) writeFileSync(house.at('kept', name), `${name}, newer`)
    for (const path of [house.home, ...['a', 'b', 'c'].map((name) => house.at('kept', name))])
      settle(path, '2026-11-20T10:00:00Z', '-maxdepth', '0')
    met = false
  })
  afterEach(() => scratch.remove())

  function settle(path: string, time: string, ...which: readonly string[]): void {
    execFileSync('find', [path, '-depth', ...which, '-exec', 'touch', '-d', time, '{}', '+'])
  }

  /** Acts once, at the `number`th call of that name. */
  function meet(call: string, number: number, action: () => void): void {
    let calls = 0
    house.cut.before = (name) => {
      if (name !== call || ++calls !== number || met) return
      met = true
      action()
    }
  }
  /** Acts when all of `gone` is restored; then the next file cannot be put in its place (unless what he did is in the way already), and all is taken back. */
  function actThenFail(action: () => void, isInTheWay = false): void {
    let failed = isInTheWay
    house.cut.before = (name) => {
      if (!existsSync(house.at('gone', 'c'))) return
      if (!met) action()
      met = true
      if (name !== 'rename' || failed) return
      failed = true
      throw new SystemFailure('EROFS')
    }
  }

  test('a file that is about to be restored and was just written to stays as he wrote it', async () => {
    const before = imageOf(house.home)
    const { restore } = await house.plan()
    meet('makeFile', 2, () => appendFileSync(house.at('kept', 'c'), ', and his last sentence'))
    const step = await house.apply(restore)
    expect(met).toBe(true)
    expect(step).toMatchObject({ step: 'undone', code: 'restore-conflict' })
    expect(JSON.stringify(step)).toContain('"key":"kept/c"')
    expect(readFileSync(house.at('kept', 'c'), 'utf8')).toBe('c, newer, and his last sentence')
    const { 'kept/c': _, ...others } = before
    expect(imageOf(house.home)).toMatchObject(others)
    expect(Object.keys(imageOf(house.home)).sort()).toEqual(Object.keys(before).sort())
  })

  test('a file that is written to between the look and the replacing comes back', async () => {
    const { restore } = await house.plan()
    // The file lies aside already; he has it open.
    const open = openSync(house.at('kept', 'a'), 'a')
    try {
      let renamed = 0
      house.cut.before = (name) => {
        if (name === 'rename' && ++renamed === 1) writeSync(open, ' – written through the open file')
      }
      const step = await house.apply(restore)
      expect(step).toMatchObject({ step: 'undone', code: 'restore-conflict' })
    } finally {
      closeSync(open)
    }
    expect(readFileSync(house.at('kept', 'a'), 'utf8')).toBe('a, newer – written through the open file')
    expect(readFileSync(house.at('kept', 'b'), 'utf8')).toBe('b, newer')
  })

  test('a file that he makes where one is about to be restored stays', async () => {
    const { restore } = await house.plan()
    // All that is to be shown is whole already under another name.
    let shown = 0
    house.cut.before = (name) => {
      if (
        !['renameToNew', 'addName'].includes(name) ||
        existsSync(house.at('gone', 'b')) ||
        !existsSync(house.at('gone', 'a'))
      )
        return
      if (++shown === 1) writeFileSync(house.at('gone', 'b'), 'his own')
    }
    expect(await house.apply(restore)).toMatchObject({ step: 'undone', code: 'restore-conflict' })
    expect(readFileSync(house.at('gone', 'b'), 'utf8')).toBe('his own')
    expect(existsSync(house.at('gone', 'a'))).toBe(false)
  })

  test('what he adds to a directory that was just restored stays, with the directory, when that is taken back', async () => {
    const { restore } = await house.plan()
    actThenFail(() => {
      writeFileSync(house.at('gone', 'his own'), 'kept')
    })
    const step = await house.apply(restore)
    expect(step).toMatchObject({
      step: 'undone',
      code: 'target-refused',
      findings: [{ key: 'gone', what: 'was changed since, and is left' }],
    })
    expect(imageOf(house.at('gone'))).toEqual({ '': expect.any(String), 'his own': expect.stringContaining('kept') })
    for (const name of ['a', 'b', 'c']) expect(readFileSync(house.at('kept', name), 'utf8')).toBe(`${name}, newer`)
  })

  test.each([
    ['writes to', (path: string) => appendFileSync(path, ', and more')],
    [
      'replaces',
      (path: string) => {
        writeFileSync(`${path}~`, 'another')
        renameSync(`${path}~`, path)
      },
    ],
  ])('a restored file that he %s before it is taken back stays his', async (_title, change) => {
    const { restore } = await house.plan()
    actThenFail(() => {
      change(house.at('gone', 'a'))
      change(house.at('kept', 'a'))
    }, true)
    const step = await house.apply(restore)
    // `kept/a` was not restored yet when he changed it: that is a conflict; `gone/a` was.
    expect(step).toMatchObject({ step: 'undone' })
    expect(readFileSync(house.at('gone', 'a'), 'utf8')).toMatch(/^(a of gone, and more|another)$/)
    expect(readFileSync(house.at('kept', 'a'), 'utf8')).toMatch(/^(a, newer, and more|another)$/)
    expect(JSON.stringify(step)).toMatch(/"key":"gone\/a","what":"was changed since, and is left"/)
    expect(existsSync(house.at('gone', 'b'))).toBe(false)
  })

  test('what an earlier try was just making and moving away is gone when all is taken back, and his own is not', async () => {
    const { restore } = await house.plan()
    const ofC = namesFor(restore, 'c')
    writeFileSync(house.at('kept', ofC.fresh), 'half of it')
    linkSync(house.at('kept', 'c'), house.at('kept', ofC.aside))
    meet('makeFile', 2, () => appendFileSync(house.at('kept', 'a'), ', and more'))
    expect(await house.apply(restore)).toMatchObject({ step: 'undone', code: 'restore-conflict' })
    expect(readdirSync(house.at('kept'))).toEqual(['a', 'b', 'c'])
    expect(readFileSync(house.at('kept', 'a'), 'utf8')).toBe('a, newer, and more')
    expect(readFileSync(house.at('kept', 'c'), 'utf8')).toBe('c, newer')
  })

  test('a restored file that he deletes is not brought back for him by taking back', async () => {
    const { restore } = await house.plan()
    actThenFail(() => {
      unlinkSync(house.at('gone', 'a'))
    })
    expect(await house.apply(restore)).toMatchObject({ step: 'undone', findings: [] })
    expect(existsSync(house.at('gone'))).toBe(false)
  })
})
