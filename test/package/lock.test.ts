import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { type Lock, lockFaults, type Manifest } from './lock.ts'

const root = resolve(import.meta.dirname, '../..')
const read = async (name: string): Promise<unknown> => JSON.parse(await readFile(join(root, name), 'utf8'))

describe('the lock file', () => {
  test('pins every package for every processor and names no host', async () => {
    const text = await readFile(join(root, 'package-lock.json'), 'utf8')
    expect(lockFaults((await read('package.json')) as Manifest, JSON.parse(text) as Lock)).toEqual([])
    expect(text).not.toMatch(/"resolved": "http/)
  })

  const sound: Lock = {
    packages: {
      '': {},
      'node_modules/a': { version: '1.0.0', integrity: 'sha512-a', optionalDependencies: { 'a-arm': '1.0.0' } },
      'node_modules/a-arm': { version: '1.0.0', integrity: 'sha512-b', optional: true },
      'node_modules/a/node_modules/c': {
        version: '2.0.0',
        integrity: 'sha512-c',
        optionalDependencies: { 'a-arm': '1' },
      },
    },
  }

  test.each<[string, Manifest, Lock, string[]]>([
    ['a sound one has no fault', { dependencies: { a: '1.0.0' } }, sound, []],
    ['a range is no pin', { devDependencies: { a: '^1.0.0' } }, sound, ['package.json does not pin a: ^1.0.0.']],
    ['a pin that is not locked', { dependencies: { a: '1.0.1' } }, sound, ['The lock has not a 1.0.1.']],
    [
      'another package under a name is pinned too, and is that package',
      { devDependencies: { a: 'npm:other@1.0.0', d: 'npm:@scope/other@3.0.0', e: 'npm:other@^1.0.0' } },
      {
        packages: {
          ...sound.packages,
          'node_modules/d': { name: '@scope/other', version: '3.0.0', integrity: 'sha512-d' },
        },
      },
      ['The lock has not a npm:other@1.0.0.', 'package.json does not pin e: npm:other@^1.0.0.'],
    ],
    [
      'a binding left out',
      {},
      { packages: { 'node_modules/a': sound.packages['node_modules/a']! } },
      ['The lock lacks a-arm, which node_modules/a needs on some machine.'],
    ],
    [
      'an address, and no digest',
      {},
      { packages: { 'node_modules/a': { version: '1.0.0', resolved: 'https://registry.invalid/a.tgz' } } },
      ['The lock says where node_modules/a comes from: https:.', 'The lock has no digest of node_modules/a.'],
    ],
  ])('%s', (_title, manifest, lock, faults) => {
    expect(lockFaults(manifest, lock)).toEqual(faults)
  })
})
