import { existsSync, mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import type { Directory } from '../../../../lib/components/files/directory.ts'
import { groundKinds, groundOf } from '../../../../lib/components/files/ground.ts'
import type { GroundKind } from '../../../../lib/components/files/ground.ts'
import { loadNative } from '../../../../lib/components/files/native.ts'
import { walk } from '../../../../lib/components/files/walk.ts'
import type { Visit, WalkOptions } from '../../../../lib/components/files/walk.ts'
import { compareKeys, formatKey } from '../../../../lib/resources/key.ts'
import { makeScratch } from '../../../kit/homes/scratch.ts'

const native = await loadNative()
const here = groundKinds.filter(
  (kind) => kind === 'path' || (process.platform === 'linux' && (kind === 'proc' || native !== undefined)),
)

let scratch: ReturnType<typeof makeScratch>
beforeEach(() => {
  scratch = makeScratch()
})
afterEach(() => scratch.remove())

function visitsOf(kind: GroundKind, path: string, options: WalkOptions = {}): string[] {
  return [...stops(kind, path, options)].map(({ key, finding }) =>
    finding === 'entry' ? formatKey(key) : `${formatKey(key)} ${finding}`,
  )
}

function* stops(kind: GroundKind, path: string, options: WalkOptions = {}): Generator<Visit> {
  const home = groundOf(kind, native).open(path)
  try {
    yield* walk(home, options)
  } finally {
    home.close()
  }
}

function openHandles(): number {
  return existsSync('/proc/self/fd') ? readdirSync('/proc/self/fd').length : 0
}

/** `attributeTarget` of an entry is a path beneath the handle. */
function handlePath(directory: Directory): string {
  return dirname(String(directory.attributeTarget('entry')))
}

/** Names that sort differently as text, as UTF-16 and as bytes. */
const name = fc.constantFrom(
  'a',
  'a.b',
  'a-b',
  'a b',
  'a0',
  '\x01',
  '\x01\x02',
  '\x02',
  'b',
  '\xff',
  '\xc3\xa9',
  '\xf0\x9f\x8c\xb3',
  '\xee\x80\x80',
  'Z',
  '~',
  '%',
)

describe.each(here)('a walk by %s', (kind) => {
  test('meets every entry once, in key order, whatever the names', () => {
    let round = 0
    fc.assert(
      fc.property(fc.array(fc.array(name, { minLength: 1, maxLength: 4 }), { maxLength: 25 }), (paths) => {
        const home = join(scratch.path, String(round++))
        mkdirSync(home)
        const made = new Set<string>()
        for (const path of paths) {
          mkdirSync(Buffer.from(`${home}/${path.join('/')}`, 'latin1'), { recursive: true })
          for (let depth = 1; depth <= path.length; depth++) made.add(path.slice(0, depth).join('/'))
        }
        const visits = [...stops(kind, home)]
        expect(new Set(visits.map(({ path }) => path))).toEqual(new Set(['', ...made]))
        expect(visits).toHaveLength(made.size + 1)
        for (const [index, { key }] of visits.entries())
          if (index > 0) expect(compareKeys(visits[index - 1]!.key, key)).toBeLessThan(0)
      }),
      { numRuns: 25 },
    )
  })

  test('goes on after any entry, or after one that is gone, without listing what came before', () => {
    for (const path of ['a/b/c', 'a/b/d', 'a.b', 'a/x', 'b/y', 'c'])
      mkdirSync(join(scratch.path, path), { recursive: true })
    const whole = visitsOf(kind, scratch.path)
    expect(whole).toEqual(['.', 'a', 'a/b', 'a/b/c', 'a/b/d', 'a/x', 'a.b', 'b', 'b/y', 'c'])
    for (const [index, path] of whole.entries()) {
      const after = path === '.' ? [] : path.split('/')
      expect(visitsOf(kind, scratch.path, { after })).toEqual(whole.slice(index + 1))
    }
    expect(visitsOf(kind, scratch.path, { after: ['a', 'b', 'cc'] })).toEqual(whole.slice(4))
    expect(visitsOf(kind, scratch.path, { after: ['a', 'bb', 'gone'] })).toEqual(whole.slice(5))
    expect(visitsOf(kind, scratch.path, { after: ['z'] })).toEqual([])
  })

  test('neither enters nor opens what is left out, and names it', () => {
    mkdirSync(join(scratch.path, 'out/inside'), { recursive: true })
    writeFileSync(join(scratch.path, 'kept'), 'kept')
    expect(visitsOf(kind, scratch.path, { leavesOut: (path) => path === 'out' })).toEqual(['.', 'kept', 'out left-out'])
  })

  test('holds no handle after it was left early', () => {
    for (const path of ['a/b/c', 'd']) mkdirSync(join(scratch.path, path), { recursive: true })
    const before = openHandles()
    for (const { path } of stops(kind, scratch.path)) if (path === 'a/b/c') break
    expect(openHandles()).toBe(before)
  })

  test('says that an entry is gone when it went between listing and look', () => {
    for (const path of ['a', 'b', 'c']) mkdirSync(join(scratch.path, path))
    const seen: string[] = []
    for (const { path, finding } of stops(kind, scratch.path)) {
      seen.push(`${path} ${finding}`)
      if (path === 'a') renameSync(join(scratch.path, 'b'), join(scratch.path, 'z'))
    }
    expect(seen).toEqual([' entry', 'a entry', 'b vanished', 'c entry'])
  })
})

const byHandle = here.filter((kind) => kind !== 'path')

describe.each(byHandle)('a deep walk by %s', (kind) => {
  /** 200 levels, in each a file that sorts after the directory, so that the walk comes back to every level. */
  function dig(levels: number): void {
    let path = scratch.path
    for (let level = 0; level < levels; level++) {
      path = join(path, 'd')
      mkdirSync(path)
      writeFileSync(join(path, 'z'), String(level))
    }
  }

  test('comes back to every level with a bounded number of handles', () => {
    dig(200)
    const before = openHandles()
    let most = 0
    let files = 0
    for (const { stat, file } of stops(kind, scratch.path, { opensFile: () => true })) {
      most = Math.max(most, openHandles() - before)
      if (stat?.type === 'file') files++
      file?.close()
    }
    expect(files).toBe(200)
    expect(most).toBeLessThan(80)
    expect(openHandles()).toBe(before)
  })

  test('reads on from where the directories are when they were moved while it was below them', () => {
    dig(100)
    const level = (depth: number): string => join(scratch.path, ...Array.from({ length: depth }, () => 'd'))
    const seen: string[] = []
    for (const { path, finding } of stops(kind, scratch.path)) {
      seen.push(`${path} ${finding}`)
      // The handle of level 20 was let go of by now; from level 99 the way back leads through `..`.
      if (path.split('/').length === 99 && path.endsWith('d')) renameSync(level(20), join(scratch.path, 'moved'))
    }
    // Level 19 is no longer above what was moved: it is found again from the home, by name.
    expect(seen.filter((one) => one.endsWith('/z entry') || one === 'z entry')).toHaveLength(100)
    expect(seen.filter((one) => one.endsWith('vanished'))).toEqual([])
  })

  test('says so when a level is not there any more to come back to', () => {
    dig(100)
    const level = (depth: number): string => join(scratch.path, ...Array.from({ length: depth }, () => 'd'))
    const vanished: string[] = []
    for (const { path, finding } of stops(kind, scratch.path)) {
      if (finding === 'vanished') vanished.push(path)
      if (path.split('/').length !== 99 || !path.endsWith('d')) continue
      renameSync(level(20), join(scratch.path, 'moved'))
      renameSync(level(15), join(scratch.path, 'moved-too'))
    }
    // Levels 15 to 19 cannot be reached from below (20 was moved) nor from the home (15 was moved).
    expect(vanished.map((path) => path.split('/').length)).toEqual([19, 18, 17, 16, 15])
  })

  test('records a directory whose path is longer than a key may be, and does not enter it', () => {
    let path = ''
    const home = groundOf(kind, native).open(scratch.path)
    let directory = home
    for (let level = 0; level < 90; level++) {
      const part = `${level}`.padStart(200, 'n')
      mkdirSync(join(handlePath(directory), part))
      const below = directory.enter(part, undefined)
      if (directory !== home) directory.close()
      directory = below
      path += `/${part}`
    }
    directory.close()
    home.close()
    expect(path.length).toBeGreaterThan(16_384)
    const findings = [...stops(kind, scratch.path)].map(({ finding }) => finding)
    expect(findings.at(-1)).toBe('too-deep')
    expect(findings.filter((finding) => finding === 'entry').length).toBeGreaterThan(80)
  })
})
