import * as real from 'node:fs/promises'
import { relative } from 'node:path'
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import type { LocalObjectStore } from '../../../../lib/platform/object-store/local.ts'
import { systemClock } from '../../../../lib/platform/clock.ts'
import { systemRandom } from '../../../../lib/platform/random.ts'
import { temporaryFolder } from '../../../kit/temporary-folder.ts'

/** What reached the file system, in order. */
const calls: string[] = []
let root = ''
let afterLink: () => Promise<void> = async () => undefined
let duringSync: (place: string) => Promise<void> = async () => undefined
let failing: { readonly call: string; readonly errno: string } | undefined

function note(call: string, path: string): void {
  const place = relative(root, path).replace(/^\.tmp\/.+/, '(temporary)')
  calls.push(`${call} ${place === '' ? '.' : place}`)
  if (failing?.call === call)
    throw Object.assign(new Error(failing.errno), { code: failing.errno, errno: -1, syscall: call })
}

jest.unstable_mockModule('node:fs/promises', () => ({
  ...real,
  open: async (path: string, ...rest: [never, never]) => {
    const handle = await real.open(path, ...rest)
    const sync = handle.sync.bind(handle)
    const write = handle.writeFile.bind(handle)
    handle.sync = async () => {
      note('sync', path)
      await duringSync(relative(root, path))
      await sync()
    }
    handle.writeFile = async (data) => {
      note('write', path)
      await write(data)
    }
    return handle
  },
  link: async (from: string, to: string) => {
    note('link', to)
    await real.link(from, to)
    await afterLink()
  },
  mkdir: async (path: string, options: never) => {
    const made = await real.mkdir(path, options)
    note('mkdir', path)
    return made
  },
  unlink: async (path: string) => {
    note('unlink', path)
    await real.unlink(path)
  },
}))
const { LocalObjectStore: Store } = await import('../../../../lib/platform/object-store/local.ts')

describe('what the local object store asks of the file system', () => {
  let store: LocalObjectStore
  beforeEach(async () => {
    root = await temporaryFolder()
    store = new Store({ folder: root, clock: systemClock, random: systemRandom })
    await store.create('known/first', Buffer.from('x'))
    calls.length = 0
  })
  afterEach(() => {
    afterLink = async () => undefined
    failing = undefined
    duringSync = async () => undefined
  })

  test('a create syncs the bytes before the name is given, and the directory after; nothing more', async () => {
    await store.create('known/second', Buffer.from('x'))
    expect(calls).toEqual([
      'write (temporary)',
      'sync (temporary)',
      'link known/second',
      'sync known',
      'unlink (temporary)',
    ])
  })

  test('new directories are made durable from the top down before anybody is told', async () => {
    await store.create('new/er/key', Buffer.from('x'))
    expect(calls).toEqual([
      'write (temporary)',
      'sync (temporary)',
      'link new/er/key',
      'mkdir new/er',
      'sync .',
      'sync new',
      'link new/er/key',
      'sync new/er',
      'unlink (temporary)',
    ])
  })

  test('who creates in a directory that another is just making waits until its name is durable', async () => {
    const ended: string[] = []
    let release: () => void = () => undefined
    const syncing = new Promise<void>((begun) => {
      duringSync = async (place) => {
        if (place !== '') return
        begun()
        await new Promise<void>((resolve) => (release = resolve))
      }
    })
    const first = store.create('new/first', Buffer.from('x')).then(() => ended.push('first'))
    await syncing
    const second = store.create('new/second', Buffer.from('x')).then(() => ended.push('second'))
    while (calls.filter((call) => call === 'sync (temporary)').length < 2)
      await new Promise((resolve) => setImmediate(resolve))
    // Others, who begin later, come to their end meanwhile.
    await store.create('known/third', Buffer.from('x'))
    await store.create('known/fourth', Buffer.from('x'))
    expect(ended).toEqual([])
    release()
    await Promise.all([first, second])
  })

  test('who loses is told only when the winner is durable', async () => {
    await expect(store.create('known/first', Buffer.from('y'))).rejects.toMatchObject({ code: 'object-exists' })
    expect(calls.slice(2)).toEqual(['link known/first', 'sync known', 'unlink (temporary)'])
  })

  test('creates side by side in one directory share its syncs', async () => {
    await Promise.all(Array.from({ length: 20 }, (_, number) => store.create(`known/n${number}`, Buffer.from('x'))))
    expect(calls.filter((call) => call === 'sync (temporary)')).toHaveLength(20)
    expect(calls.filter((call) => call === 'sync known').length).toBeLessThan(20)
  })

  test('a link that succeeded though the server answered EEXIST is our own (NFS)', async () => {
    afterLink = () =>
      Promise.reject(Object.assign(new Error('EEXIST'), { code: 'EEXIST', errno: -17, syscall: 'link' }))
    await store.create('known/second', Buffer.from('mine'))
    expect((await store.get('known/second')).toString()).toBe('mine')
  })

  test('a delete is durable when it returns', async () => {
    await store.create('known/second', Buffer.from('x'))
    calls.length = 0
    await store.delete('known/second')
    expect(calls).toEqual(['unlink known/second', 'sync known'])
  })

  test.each([
    ['write', 'ENOSPC', 'store-full', 'later'],
    ['write', 'EDQUOT', 'store-full', 'later'],
    ['sync', 'ENOSPC', 'store-full', 'later'],
    ['sync', 'EIO', 'store-unavailable', 'now'],
    ['write', 'ESTALE', 'store-unavailable', 'now'],
    ['link', 'EACCES', 'store-refused', 'never'],
    ['link', 'EPERM', 'store-refused', 'never'],
    ['write', 'EROFS', 'store-refused', 'never'],
    ['link', 'EMLINK', 'store-refused', 'never'],
  ])('%s failing with %s is %s, and nothing is there', async (call, errno, code, retry) => {
    failing = { call, errno }
    await expect(store.create('known/second', Buffer.from('x'))).rejects.toMatchObject({
      code,
      retry,
      ids: { operation: 'create', key: 'known/second', errno },
    })
    failing = undefined
    await expect(store.get('known/second')).rejects.toMatchObject({ code: 'object-not-found' })
    expect(await real.readdir(`${root}/.tmp`)).toEqual([])
  })
})
