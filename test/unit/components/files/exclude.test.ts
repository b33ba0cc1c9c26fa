import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import ignore from 'ignore'
import { Exclusions, RESTORED_RULES } from '../../../../lib/components/files/exclude.ts'
import { namesFor } from '../../../../lib/components/files/write/put-in-place.ts'

const asShipped = { exclude: [], excludeDefaults: true }

function leavesOut(exclusions: Exclusions, path: string): boolean {
  const isDirectory = path.endsWith('/')
  return exclusions.leavesOut(isDirectory ? path.slice(0, -1) : path, isDirectory ? 'directory' : 'file', undefined)
}

describe('what is left out', () => {
  test('is, of a home, what the spawner writes anew and what programs fetch again', () => {
    const home = new Exclusions(asShipped, 'user')
    for (const path of [
      '.bashrc',
      '.profile',
      '.bash_logout',
      '.condarc',
      '.jupyter/jupyter_config.json',
      '.cache/',
      '.local/share/Trash/',
      '.conda/pkgs/',
      'data/.nfs00000000012345670000abcd',
    ]) {
      expect([path, leavesOut(home, path)]).toEqual([path, true])
    }
  })

  test('is nothing a person made that only looks similar', () => {
    const home = new Exclusions(asShipped, 'user')
    for (const path of [
      'project/.bashrc',
      'project/.cache/',
      '.cache',
      '.jupyter/',
      '.jupyter/lab/',
      '.nfsnotes',
      'restored-photos/',
      'restored-2026',
      'pkgs/',
      '.BASHRC',
    ]) {
      expect([path, leavesOut(home, path)]).toEqual([path, false])
    }
  })

  test('leaves a shared directory its dot files: no spawner writes there', () => {
    const group = new Exclusions(asShipped, 'group')
    expect(leavesOut(group, '.bashrc')).toBe(false)
    expect(leavesOut(group, '.cache/')).toBe(true)
  })

  test('is the spawner’s link `shared` only while it leads to /shared', () => {
    const home = new Exclusions(asShipped, 'user')
    expect(home.leavesOut('shared', 'link', Buffer.from('/shared'))).toBe(true)
    expect(home.leavesOut('shared', 'link', Buffer.from('projects/shared'))).toBe(false)
    expect(home.leavesOut('shared', 'directory', undefined)).toBe(false)
    expect(home.leavesOut('project/shared', 'link', Buffer.from('/shared'))).toBe(false)
  })

  test('without the defaults is only what the settings say, and what a restore put beside', () => {
    const own = new Exclusions({ exclude: ['*.pyc'], excludeDefaults: false }, 'user')
    expect(leavesOut(own, '.bashrc')).toBe(false)
    expect(leavesOut(own, '.cache/')).toBe(false)
    expect(own.leavesOut('shared', 'link', Buffer.from('/shared'))).toBe(false)
    expect(leavesOut(own, 'a/b.pyc')).toBe(true)
    expect(leavesOut(own, 'restored-2026-11-21/')).toBe(true)
    expect(leavesOut(own, 'deeper/restored-2026-11-21/')).toBe(false)
  })

  test('is what a restore is just making or moving away, at any depth, also without the defaults', () => {
    const own = new Exclusions({ exclude: [], excludeDefaults: false }, 'group')
    const { fresh, aside } = namesFor('20261121T020000000Z-restore-1f0c2d3e4a', 'plan.md')
    expect([fresh, aside, `notes/${fresh}`, `notes/${aside}/`].filter((path) => !leavesOut(own, path))).toEqual([])
    expect(leavesOut(own, '.toriki-notes.old')).toBe(false)
  })

  test('yields to the settings: a rule with ! takes a built-in one back', () => {
    const own = new Exclusions({ exclude: ['!/.bashrc', 'big/', '# a comment', ''], excludeDefaults: true }, 'user')
    expect(leavesOut(own, '.bashrc')).toBe(false)
    expect(leavesOut(own, '.profile')).toBe(true)
    expect(leavesOut(own, 'a/big/')).toBe(true)
  })

  test('is decided by bytes: a rule in UTF-8 meets its name, and a name that is not UTF-8 still meets a wildcard', () => {
    const own = new Exclusions({ exclude: ['取木', '*.tmp'], excludeDefaults: true }, 'user')
    expect(leavesOut(own, Buffer.from('取木').toString('latin1'))).toBe(true)
    expect(leavesOut(own, '\xff.tmp')).toBe(true)
    expect(leavesOut(own, '\xff.txt')).toBe(false)
  })

  test('is what the library says of every path, though it is asked about few', () => {
    const piece = fc.constantFrom(
      'a',
      'ab',
      'b.c',
      '*',
      '**',
      '?',
      '[ab]',
      '[!a]',
      'x-1',
      '\\\\a',
      '#',
      ' ',
      '!',
      '{a}',
      '.nfs',
    )
    const rule = fc
      .tuple(
        fc.constantFrom('', '/', '!', '!/'),
        fc.array(piece, { minLength: 1, maxLength: 4 }),
        fc.constantFrom('', '/'),
      )
      .map(([start, pieces, end]) => `${start}${pieces.join('')}${end}`)
    const name = fc.constantFrom('a', 'ab', 'b.c', 'abc', 'x-1', 'c', '.nfs1', '{a}', '#a', 'q')
    const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join('/'))
    fc.assert(
      fc.property(fc.array(rule, { maxLength: 4 }), fc.array(path, { minLength: 1 }), (exclude, paths) => {
        const own = new Exclusions({ exclude, excludeDefaults: false }, 'user')
        const library = ignore({ ignorecase: false, allowRelativePaths: true }).add([...RESTORED_RULES, ...exclude])
        for (const one of paths) {
          // Nothing beneath a directory that is left out is asked for.
          const above = one.split('/').slice(0, -1)
          if (above.some((_, at) => library.ignores(`${above.slice(0, at + 1).join('/')}/`))) continue
          expect([exclude, one, leavesOut(own, one)]).toEqual([exclude, one, library.ignores(one)])
        }
      }),
      { numRuns: 500 },
    )
  })

  test('stays the same after more questions than the library’s memory is kept for', () => {
    const own = new Exclusions({ exclude: ['*.pyc'], excludeDefaults: true }, 'user')
    for (let index = 0; index < 45_000; index++) leavesOut(own, `f${index}`)
    expect(leavesOut(own, 'a.pyc')).toBe(true)
    expect(leavesOut(own, '.cache/')).toBe(true)
  })
})
