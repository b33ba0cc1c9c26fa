import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import type { Directory } from '../../../../lib/components/files/directory.ts'
import { groundKinds, groundOf } from '../../../../lib/components/files/ground.ts'
import { HandleDirectory } from '../../../../lib/components/files/handle-directory.ts'
import { LooksAhead } from '../../../../lib/components/files/looks-ahead.ts'
import type { AheadDirectory } from '../../../../lib/components/files/looks-ahead.ts'
import { loadNative } from '../../../../lib/components/files/native.ts'
import { visitKeys } from '../../../../lib/components/files/visit-keys.ts'
import { walk } from '../../../../lib/components/files/walk.ts'
import type { Visit } from '../../../../lib/components/files/walk.ts'
import { systemClock } from '../../../../lib/platform/clock.ts'
import { ENTRY_KIND, compareKeys, encodeKey, formatKey, parseKey } from '../../../../lib/resources/key.ts'
import type { ResourceKey } from '../../../../lib/resources/key.ts'
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

async function* inBatches(keys: readonly ResourceKey[], size = 3): AsyncGenerator<readonly ResourceKey[]> {
  for (let at = 0; at < keys.length; at += size) yield await Promise.resolve(keys.slice(at, at + size))
}

/** What is shown, in order; promises are waited for as the reader does. */
async function visited(
  home: Directory,
  keys: readonly ResourceKey[],
  between: (visit: Visit) => void = () => undefined,
): Promise<string[]> {
  const shown: string[] = []
  for (const visit of visitKeys(home, inBatches(keys), {})) {
    if (visit instanceof Promise) {
      await visit
      continue
    }
    shown.push(said(visit))
    between(visit)
  }
  return shown
}

/** Those of a walk that are chosen, and others. */
function askedOf(
  all: readonly Visit[],
  others: readonly (readonly string[])[],
  chosen: readonly boolean[],
): ResourceKey[] {
  const asked = [
    ...all.filter((_, at) => chosen[at] !== false).map(({ key }) => key),
    ...others.map((names) =>
      encodeKey(
        ENTRY_KIND,
        names.map((one) => Buffer.from(one, 'latin1')),
      ),
    ),
  ]
  return [...new Map(asked.map((key) => [key.toString('hex'), key])).values()].sort(compareKeys)
}

function said({ key, finding, stat }: Visit): string {
  return `${formatKey(key)} ${finding} ${stat?.type ?? ''}`
}

function keysOf(...written: readonly string[]): ResourceKey[] {
  return written.map((one) => parseKey(one, [])).sort(compareKeys)
}

function openHandles(): number {
  return existsSync('/proc/self/fd') ? readdirSync('/proc/self/fd').length : 0
}

/** Says when a directory of the home is opened. */
function watched(directory: Directory, entered: string[], path = ''): Directory {
  return new Proxy(directory, {
    get(target, property) {
      if (property === 'enter')
        return (name: string, ...others: [never]) => {
          const inside = path === '' ? name : `${path}/${name}`
          entered.push(inside)
          return watched(target.enter(name, ...others), entered, inside)
        }
      const value: unknown = Reflect.get(target, property, target)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}

/** As it is where every call takes long: answers are fetched ahead. */
function slow(directory: Directory): AheadDirectory {
  if (!(directory instanceof HandleDirectory) || directory.native === undefined) throw new Error('by handle')
  const looks = new LooksAhead(directory.native, () => false, systemClock)
  for (let calls = 0; calls < 16; calls++) looks.latency.add(2)
  return looks.home(directory)
}

/** Names that sort differently as text, as UTF-16 and as bytes. */
const name = fc.constantFrom('a', 'a.b', 'a-b', 'a0', '\x01', '\x01\x02', '\x02', 'b', '\xff', '\xc3\xa9')
const trees = fc.array(fc.array(name, { minLength: 1, maxLength: 5 }), { maxLength: 12 })

describe.each(here)('named entries by %s', (kind) => {
  test('are those that a walk meets, in its order, whichever are asked for', async () => {
    let round = 0
    await fc.assert(
      fc.asyncProperty(trees, trees, fc.array(fc.boolean()), async (made, others, chosen) => {
        const home = join(scratch.path, String(round++))
        mkdirSync(home)
        for (const path of made) mkdirSync(Buffer.from(`${home}/${path.join('/')}`, 'latin1'), { recursive: true })
        const before = openHandles()
        const directory = groundOf(kind, native).open(home)
        const all = [...walk(directory)]
        const keys = askedOf(all, others, chosen)
        const there = all.filter((visit) => keys.some((key) => key.equals(visit.key)))
        expect(await visited(directory, keys)).toEqual(there.map(said))
        directory.close()
        expect(openHandles()).toBe(before)
      }),
      { numRuns: 40 },
    )
  })

  test('open each directory once, however much lies in it', async () => {
    const home = join(scratch.path, 'home')
    mkdirSync(join(home, 'a/b'), { recursive: true })
    mkdirSync(join(home, 'c/d'), { recursive: true })
    for (const path of ['a/1', 'a/b/1', 'a/b/2', 'a/c', 'c/d/1', 'c/d/2', 'c/e']) writeFileSync(join(home, path), 'x')
    const directory = groundOf(kind, native).open(home)
    const entered: string[] = []
    // `c` and `c/d` are not asked for themselves.
    const keys = keysOf('.', 'a', 'a/1', 'a/b', 'a/b/1', 'a/b/2', 'a/c', 'c/d/1', 'c/d/2', 'c/e')
    expect(await visited(watched(directory, entered), keys)).toHaveLength(keys.length)
    expect(entered).toEqual(['a', 'a/b', 'c', 'c/d'])
    directory.close()
  })

  test('are found on the way back from far below, with few handles open', async () => {
    const home = join(scratch.path, 'home')
    const deep = Array.from({ length: 150 }, () => 'd')
    mkdirSync(join(home, ...deep), { recursive: true })
    const paths = deep.map((_, depth) => [...deep.slice(0, depth + 1), 'x'].join('/'))
    for (const path of paths) writeFileSync(join(home, path), 'x')
    const before = openHandles()
    const directory = groundOf(kind, native).open(home)
    let most = 0
    const shown = await visited(
      directory,
      keysOf(...paths, ...deep.map((_, at) => deep.slice(0, at + 1).join('/'))),
      () => {
        most = Math.max(most, openHandles())
      },
    )
    expect(shown.filter((one) => one.endsWith('entry file'))).toHaveLength(150)
    expect(shown).toHaveLength(300)
    if (kind !== 'path') expect(most - before).toBeLessThan(80)
    directory.close()
    expect(openHandles()).toBe(before)
  })

  test('are not looked for behind a link, nor in what is not there, nor outside', async () => {
    const [home, outside] = [join(scratch.path, 'home'), join(scratch.path, 'outside')]
    mkdirSync(join(home, 'real'), { recursive: true })
    mkdirSync(outside)
    for (const path of [join(home, 'real/file'), join(outside, 'file'), join(home, 'file')]) writeFileSync(path, 'x')
    symlinkSync(outside, join(home, 'link'))
    const directory = groundOf(kind, native).open(home)
    const keys = keysOf('link', 'link/file', 'file', 'file/file', 'gone', 'gone/a', 'gone/b/c', 'real/file')
    const escaping = keysOf('..', '../outside', 'real/..', 'real/.')
    expect(await visited(directory, [...keys, ...escaping].sort(compareKeys))).toEqual([
      'file entry file',
      'link entry link',
      'real/file entry file',
    ])
    directory.close()
  })

  test('are not followed to what took the place of a directory on the way', async () => {
    const [home, outside] = [join(scratch.path, 'home'), join(scratch.path, 'outside')]
    mkdirSync(join(home, 'a/b'), { recursive: true })
    mkdirSync(join(outside, 'b'), { recursive: true })
    for (const path of [join(home, 'a/1'), join(home, 'a/b/file'), join(outside, 'b/secret')]) writeFileSync(path, 'x')
    const directory = groundOf(kind, native).open(home)
    const shown = await visited(directory, keysOf('a', 'a/1', 'a/b/file', 'a/b/secret'), ({ key }) => {
      if (formatKey(key) !== 'a/1') return
      renameSync(join(home, 'a'), join(home, 'moved'))
      symlinkSync(outside, join(home, 'a'))
    }).catch((error: unknown) => [String(error)])
    expect(shown.join('\n')).not.toContain('secret')
    rmSync(join(home, 'a'))
    directory.close()
  })

  test('leave nothing open when nobody asks for the rest', async () => {
    const home = join(scratch.path, 'home')
    mkdirSync(join(home, 'a/b'), { recursive: true })
    writeFileSync(join(home, 'a/b/file'), 'x')
    const before = openHandles()
    const directory = groundOf(kind, native).open(home)
    for (const visit of visitKeys(directory, inBatches(keysOf('a', 'a/b', 'a/b/file')), {})) {
      if (visit instanceof Promise) await visit
      else if (formatKey(visit.key) === 'a/b') break
    }
    directory.close()
    expect(openHandles()).toBe(before)
  })

  test('must ascend', async () => {
    const home = join(scratch.path, 'home')
    mkdirSync(home)
    const directory = groundOf(kind, native).open(home)
    await expect(visited(directory, keysOf('a', 'b').toReversed())).rejects.toThrow('keys must ascend')
    directory.close()
  })
})

const described = native?.hasOpenat2 === true ? describe : describe.skip

described('named entries whose answers are fetched ahead', () => {
  test('are the same, whichever are asked for, and nothing stays open', async () => {
    let round = 0
    await fc.assert(
      fc.asyncProperty(trees, trees, fc.array(fc.boolean()), async (made, others, chosen) => {
        const home = join(scratch.path, String(round++))
        mkdirSync(home)
        for (const path of made) mkdirSync(Buffer.from(`${home}/${path.join('/')}`, 'latin1'), { recursive: true })
        const directory = groundOf('openat2', native).open(home)
        const all = [...walk(directory)]
        const keys = askedOf(all, others, chosen)
        const plain = await visited(directory, keys)
        const before = openHandles()
        const walked = slow(directory)
        expect(await visited(walked, keys)).toEqual(plain)
        walked.release()
        while (openHandles() > before) await setImmediate()
        directory.close()
      }),
      { numRuns: 40 },
    )
  })

  test('are waited for, and none is looked at by itself', async () => {
    const home = join(scratch.path, 'home')
    for (let wide = 0; wide < 20; wide++) {
      mkdirSync(join(home, `d${wide}`), { recursive: true })
      for (let file = 0; file < 20; file++) writeFileSync(join(home, `d${wide}`, `f${file}`), 'x')
    }
    const plain = groundOf('openat2', native).open(home)
    const keys = [...walk(plain)].map(({ key }) => key)
    plain.close()
    let looks = 0
    const counting = new Proxy(native!, {
      get(target, property) {
        const value: unknown = Reflect.get(target, property, target)
        if (typeof value !== 'function') return value
        return (...all: unknown[]): unknown => {
          if (property === 'statx' && all[1] !== '') looks++
          return Reflect.apply(value, target, all) as unknown
        }
      },
    })
    const directory = groundOf('openat2', counting).open(home)
    const walked = slow(directory)
    expect(await visited(walked, keys)).toHaveLength(421)
    expect(looks).toBe(0)
    walked.release()
    directory.close()
  })
})
