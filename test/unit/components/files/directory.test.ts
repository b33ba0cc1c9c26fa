import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import type { Directory } from '../../../../lib/components/files/directory.ts'
import { groundKinds, groundOf } from '../../../../lib/components/files/ground.ts'
import { loadNative } from '../../../../lib/components/files/native.ts'
import { SystemFailure } from '../../../../lib/components/files/system-failure.ts'
import { nativeCalls } from '../../../kit/homes/native-calls.ts'
import { makeScratch } from '../../../kit/homes/scratch.ts'

const native = await loadNative()
const calls = await nativeCalls()
const here = groundKinds.filter(
  (kind) => kind === 'path' || (process.platform === 'linux' && (kind === 'proc' || native !== undefined)),
)

let scratch: ReturnType<typeof makeScratch>
let home: Directory
beforeEach(() => {
  scratch = makeScratch()
  for (const folder of ['home/inside', 'outside/inside']) mkdirSync(join(scratch.path, folder), { recursive: true })
  for (const file of ['home/file', 'home/inside/file', 'outside/file', 'outside/inside/file'])
    writeFileSync(join(scratch.path, file), file)
})
afterEach(() => {
  home.close()
  scratch.remove()
})

function at(...names: readonly string[]): string {
  return join(scratch.path, 'home', ...names)
}

/** The failure's code; `opened` when there was none. */
function codeOf(action: () => { close(): void }): string {
  try {
    action().close()
    return 'opened'
  } catch (error) {
    if (error instanceof SystemFailure) return error.code
    throw error
  }
}

describe.each(here)('a directory by %s', (kind) => {
  beforeEach(() => {
    home = groundOf(kind, native).open(at())
  })

  test('enters and opens what was looked at', () => {
    const inside = home.enter('inside', home.look('inside'))
    const file = inside.openFile('file', inside.look('file'))
    expect(readFileSync(file.handle, 'utf8')).toBe('home/inside/file')
    expect(file.lookAgain()).toEqual(file.stat)
    for (const one of [file, file, inside, inside]) one.close()
  })

  test('enters no link, were it to a directory beside it', () => {
    symlinkSync(join(scratch.path, 'outside'), at('away'))
    symlinkSync('inside', at('beside'))
    for (const name of ['away', 'beside'])
      expect(['ELOOP', 'ENOTDIR']).toContain(codeOf(() => home.enter(name, undefined)))
  })

  test('enters no link that took a directory’s place after it was looked at', () => {
    const seen = home.look('inside')
    renameSync(at('inside'), at('aside'))
    symlinkSync(join(scratch.path, 'outside', 'inside'), at('inside'))
    expect(['ELOOP', 'ENOTDIR']).toContain(codeOf(() => home.enter('inside', seen)))
  })

  test('enters no other directory in the place of the one that was looked at', () => {
    const seen = home.look('inside')
    renameSync(at('inside'), at('aside'))
    mkdirSync(at('inside'))
    expect(codeOf(() => home.enter('inside', seen))).toBe('REPLACED')
  })

  test('opens no link that took a file’s place, were it to the very same file', () => {
    const seen = home.look('file')
    renameSync(at('file'), at('aside'))
    symlinkSync('aside', at('file'))
    expect(codeOf(() => home.openFile('file', seen))).toBe('ELOOP')
    rmSync(at('file'))
    symlinkSync(join(scratch.path, 'outside', 'file'), at('file'))
    expect(codeOf(() => home.openFile('file', seen))).toBe('ELOOP')
  })

  test('opens no other file, directory or FIFO in a file’s place, and waits for no writer', () => {
    const seen = home.look('file')
    renameSync(at('file'), at('aside'))
    writeFileSync(at('file'), 'another')
    expect(codeOf(() => home.openFile('file', seen))).toBe('REPLACED')
    rmSync(at('file'))
    mkdirSync(at('file'))
    expect(codeOf(() => home.openFile('file', seen))).toBe('REPLACED')
    if (calls === undefined) return
    calls.makeNode(Buffer.from(at('pipe')), 0o010644, 0)
    rmSync(at('file'), { recursive: true })
    renameSync(at('pipe'), at('file'))
    expect(codeOf(() => home.openFile('file', seen))).toBe('REPLACED')
  })

  test('opens nothing that was not looked at and found a regular file', () => {
    symlinkSync('file', at('link'))
    for (const name of ['inside', 'link']) expect(codeOf(() => home.openFile(name, home.look(name)))).toBe('REPLACED')
  })

  test('comes back up to the directory it came from, and to no other', () => {
    const inside = home.enter('inside', undefined)
    expect(inside.leave(home.stat).names()).toEqual(['file', 'inside'])
    if (kind !== 'path') {
      renameSync(at('inside'), join(scratch.path, 'outside', 'moved'))
      expect(codeOf(() => inside.leave(home.stat))).toBe('REPLACED')
    }
    inside.close()
  })

  test('is not led astray when a directory on the way is swapped', () => {
    const inside = home.enter('inside', undefined)
    renameSync(at('inside'), at('aside'))
    symlinkSync(join(scratch.path, 'outside', 'inside'), at('inside'))
    if (kind === 'path') {
      // By path that cannot be gone on with, and is noticed.
      for (const action of [() => inside.names(), () => inside.look('file'), () => inside.readLink('file')])
        expect(action).toThrow(SystemFailure)
    } else {
      const file = inside.openFile('file', inside.look('file'))
      expect(readFileSync(file.handle, 'utf8')).toBe('home/inside/file')
      file.close()
    }
    inside.close()
  })

  test('tells a failure by its errno alone, without a path', () => {
    for (const action of [() => home.look('gone'), () => home.enter('gone', undefined), () => home.readLink('gone')]) {
      expect(action).toThrow(expect.objectContaining({ name: 'SystemFailure', code: 'ENOENT', message: 'ENOENT' }))
    }
  })
})
