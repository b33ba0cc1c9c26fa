import { beforeEach, describe, expect, test } from '@jest/globals'
import { TorikiError } from '../../../lib/errors.ts'
import { MemoryKeyService } from '../../../lib/platform/key-service/memory.ts'
import { MemoryObjectStore } from '../../../lib/platform/object-store/memory.ts'
import type { ObjectStore } from '../../../lib/platform/object-store/port.ts'
import {
  bindOwner,
  createDeploymentKeys,
  createSliceKeys,
  loadDeploymentKeys,
  loadSliceKeys,
  readOwner,
  rewrapSliceKeys,
} from '../../../lib/repository/key-objects.ts'
import { FORMAT_VERSION } from '../../../lib/repository/format.ts'
import { ownerDigest } from '../../../lib/repository/keys.ts'
import { FakeClock } from '../../kit/fake-clock.ts'
import { seededRandom } from '../../kit/seeded-random.ts'

const random = seededRandom('key-objects')
const deploymentId = 'deployment-1'
const code = (name: string): unknown => expect.objectContaining({ code: name })

let store: MemoryObjectStore
let service: MemoryKeyService
let place: {
  store: ObjectStore
  service: MemoryKeyService
  deploymentId: string
  sliceId: string
  random: typeof random
}

beforeEach(() => {
  store = new MemoryObjectStore({ clock: new FakeClock() })
  service = new MemoryKeyService({ random })
  place = { store, service, deploymentId, sliceId: 'abc', random }
})

/** A service over a key of its own, that says another name. */
function otherService(description: string): MemoryKeyService {
  const other = new MemoryKeyService({ random })
  return Object.defineProperty(other, 'description', { value: description })
}

function edit(
  path: string,
  change: (value: {
    version: number
    check: string
    wrappings: Record<string, { service: string; wrapped: string }[]>
  }) => void,
): void {
  const value = JSON.parse(String(store.peek(path))) as Parameters<typeof change>[0]
  change(value)
  store.replace(path, Buffer.from(JSON.stringify(value)))
}

describe('a slice’s keys', () => {
  test('are the same for who made them and who loads them', async () => {
    const made = await createSliceKeys(place)
    const loaded = await loadSliceKeys({ ...place, access: 'read-content' })
    expect(loaded?.keys.treeKey.equals(made.treeKey)).toBe(true)
    expect(loaded?.keys.contentPublicKey).toEqual(made.contentPublicKey)
    expect(loaded?.hasOwner).toBe(false)
    expect(store.keys()).toEqual(['keys/abc/1'])
  })

  test('hold the private key only for who reads content', async () => {
    expect((await createSliceKeys(place)).contentPrivateKey).toBeUndefined()
    expect((await loadSliceKeys({ ...place, access: 'write' }))?.keys.contentPrivateKey).toBeUndefined()
    expect((await loadSliceKeys({ ...place, access: 'read-trees' }))?.keys.contentPrivateKey).toBeUndefined()
    expect((await loadSliceKeys({ ...place, access: 'read-content' }))?.keys.contentPrivateKey).toHaveLength(32)
  })

  test.each([
    ['write', 1],
    ['read-trees', 1],
    ['read-content', 2],
  ] as const)('cost %s one listing, one object and %i calls of the key service', async (access, unwraps) => {
    await createSliceKeys(place)
    let [lists, gets] = [0, 0]
    const counting: ObjectStore = {
      create: (key, body) => store.create(key, body),
      delete: (key) => store.delete(key),
      get: (key, options) => (gets++, store.get(key, options)),
      list: (prefix, options) => (lists++, store.list(prefix, options)),
    }
    expect(service.calls.unwrap).toBe(0)
    await loadSliceKeys({ ...place, store: counting, access })
    expect({ lists, gets, unwraps: service.calls.unwrap }).toEqual({ lists: 1, gets: 1, unwraps })
  })

  test('open for the backup role, which may not unwrap content', async () => {
    const backup = new MemoryKeyService({ random, key: service.key, mayUnwrap: ({ purpose }) => purpose === 'tree' })
    await createSliceKeys({ ...place, service: backup })
    await expect(loadSliceKeys({ ...place, service: backup, access: 'write' })).resolves.toBeDefined()
    await expect(loadSliceKeys({ ...place, service: backup, access: 'read-content' })).rejects.toEqual(
      code('key-unusable'),
    )
  })

  test('are undefined where there are none', async () => {
    await expect(loadSliceKeys({ ...place, access: 'write' })).resolves.toBeUndefined()
    await expect(loadDeploymentKeys(place)).resolves.toBeUndefined()
  })

  test('are the winner’s for everybody who raced', async () => {
    const all = await Promise.all(Array.from({ length: 5 }, () => createSliceKeys(place)))
    for (const keys of all) expect(keys.treeKey.equals(all[0]?.treeKey as typeof keys.treeKey)).toBe(true)
    expect(store.keys()).toEqual(['keys/abc/1'])
  })

  test('are ours after a lost answer', async () => {
    const losing: ObjectStore = {
      ...{ get: store.get.bind(store), list: store.list.bind(store), delete: store.delete.bind(store) },
      create: async (key, body) => {
        await store.create(key, body)
        throw new TorikiError('object-exists')
      },
    }
    const made = await createSliceKeys({ ...place, store: losing })
    expect((await loadSliceKeys({ ...place, access: 'write' }))?.keys.treeKey.equals(made.treeKey)).toBe(true)
  })

  test('show no secret in their object', async () => {
    await createSliceKeys(place)
    const loaded = await loadSliceKeys({ ...place, access: 'read-content' })
    const object = String(store.peek('keys/abc/1'))
    for (const secret of [loaded?.keys.contentPrivateKey, loaded?.keys.contentPublicKey]) {
      expect(object).not.toContain(secret?.toString('base64'))
    }
  })

  test('do not open as another slice’s, another deployment’s, or for another purpose', async () => {
    await createSliceKeys(place)
    store.replace('keys/xyz/1', store.peek('keys/abc/1') as Buffer)
    await expect(loadSliceKeys({ ...place, sliceId: 'xyz', access: 'write' })).rejects.toEqual(
      code('key-context-mismatch'),
    )
    await expect(loadSliceKeys({ ...place, deploymentId: 'deployment-2', access: 'write' })).rejects.toEqual(
      code('key-context-mismatch'),
    )
    edit(
      'keys/abc/1',
      ({ wrappings }) =>
        ([wrappings['tree'], wrappings['content']] = [wrappings['content'] ?? [], wrappings['tree'] ?? []]),
    )
    await expect(loadSliceKeys({ ...place, access: 'write' })).rejects.toEqual(code('key-context-mismatch'))
  })

  test('whose content wrapping is another’s are refused', async () => {
    await createSliceKeys(place)
    const other = new MemoryObjectStore({ clock: new FakeClock() })
    await createSliceKeys({ ...place, store: other })
    const foreign = JSON.parse(String(other.peek('keys/abc/1'))) as {
      wrappings: Record<string, { service: string; wrapped: string }[]>
    }
    edit('keys/abc/1', ({ wrappings }) => (wrappings['content'] = foreign.wrappings['content'] ?? []))
    await expect(loadSliceKeys({ ...place, access: 'read-content' })).rejects.toEqual(code('seal-broken'))
  })

  test.each<[string, Buffer, string]>([
    ['nothing', Buffer.alloc(0), 'seal-broken'],
    ['no JSON', Buffer.from('{'), 'seal-broken'],
    ['another document', Buffer.from('{"format":"something else","version":0}'), 'seal-broken'],
    ['no wrapping', Buffer.from('{"format":"toriki keys","version":1,"check":"","wrappings":{}}'), 'seal-broken'],
    [
      'too many wrappings',
      Buffer.from(
        JSON.stringify({
          format: 'toriki keys',
          version: FORMAT_VERSION,
          check: '',
          wrappings: { tree: Array(17).fill({ service: 'x', wrapped: '' }) },
        }),
      ),
      'seal-broken',
    ],
    [
      'a feature that is not known',
      Buffer.from('{"format":"toriki keys","version":1,"mandatory":["time-travel"],"something":"new"}'),
      'format-newer',
    ],
    ['the format before the first', Buffer.from('{"format":"toriki keys","version":0}'), 'format-older'],
    ['too much', Buffer.alloc(2 * 1024 * 1024, ' '), 'object-too-large'],
    [
      'a newer format',
      Buffer.from(`{"format":"toriki keys","version":${FORMAT_VERSION + 1},"something":"new"}`),
      'format-newer',
    ],
  ])('in an object that holds %s are refused', async (_, body, expected) => {
    await store.create('keys/abc/1', body)
    await expect(loadSliceKeys({ ...place, access: 'write' })).rejects.toEqual(code(expected))
  })
})

describe('a rewrap', () => {
  test('holds the same secrets for each of its services, under the next number', async () => {
    const made = await createSliceKeys(place)
    const [second, recovery] = [otherService('a second key'), otherService('recovery')]
    await rewrapSliceKeys(place, [second, recovery])
    expect(store.keys()).toEqual(['keys/abc/1', 'keys/abc/2'])
    for (const by of [second, recovery]) {
      const loaded = await loadSliceKeys({ ...place, service: by, access: 'read-content' })
      expect(loaded?.keys.treeKey.equals(made.treeKey)).toBe(true)
      expect(by.calls.unwrap).toBe(2)
    }
    await expect(loadSliceKeys({ ...place, access: 'write' })).rejects.toEqual(code('keyring-foreign'))
  })

  test('done twice is done once', async () => {
    await createSliceKeys(place)
    const both = [service, otherService('recovery')]
    await rewrapSliceKeys(place, both)
    await rewrapSliceKeys(place, both)
    expect(store.keys()).toEqual(['keys/abc/1', 'keys/abc/2'])
  })

  test('with another content key is refused, though it opens', async () => {
    await createSliceKeys(place)
    const other = new MemoryObjectStore({ clock: new FakeClock() })
    await createSliceKeys({ ...place, store: other })
    const slipped = other.peek('keys/abc/1') as Buffer
    await store.create('keys/abc/2', slipped)
    await expect(loadSliceKeys({ ...place, access: 'write' })).rejects.toEqual(code('key-context-mismatch'))
    // Also when it claims the first one's check.
    const { check } = JSON.parse(String(store.peek('keys/abc/1'))) as { check: string }
    edit('keys/abc/2', (value) => (value.check = check))
    await expect(loadSliceKeys({ ...place, access: 'write' })).rejects.toEqual(code('key-context-mismatch'))
  })

  test('counts by its number, not by its text; other names beside do not', async () => {
    await createSliceKeys(place)
    for (const name of ['2', '10']) await store.create(`keys/abc/${name}`, store.peek('keys/abc/1') as Buffer)
    for (const name of ['3x', '007', 'zz']) await store.create(`keys/abc/${name}`, Buffer.from('no keys'))
    store.replace('keys/abc/2', Buffer.from('never read'))
    await expect(loadSliceKeys({ ...place, access: 'write' })).resolves.toBeDefined()
    await rewrapSliceKeys(place, [otherService('another')])
    expect(store.keys()).toContain('keys/abc/11')
  })

  test('does not hide that the key service gives no answer', async () => {
    await createSliceKeys(place)
    await rewrapSliceKeys(place, [otherService('recovery'), service])
    let calls = 0
    const unwrap = (): Promise<Buffer> => (calls++, Promise.reject(new TorikiError('key-service-unavailable')))
    const silent = Object.assign(Object.create(service) as MemoryKeyService, { unwrap })
    await expect(loadSliceKeys({ ...place, service: silent, access: 'write' })).rejects.toEqual(
      code('key-service-unavailable'),
    )
    // It asks for the same again later, not for other wrappings now.
    expect(calls).toBe(1)
  })
})

describe('the deployment’s keys', () => {
  test('are made once and loaded with one call', async () => {
    const [one, two] = await Promise.all([createDeploymentKeys(place), createDeploymentKeys(place)])
    expect(one.namingKey).toEqual(two.namingKey)
    expect(one.runKey.equals(two.runKey)).toBe(true)
    const unwraps = service.calls.unwrap
    const loaded = await loadDeploymentKeys(place)
    expect(loaded?.namingKey).toEqual(one.namingKey)
    expect(loaded?.runKey.equals(one.runKey)).toBe(true)
    expect(service.calls.unwrap).toBe(unwraps + 1)
    expect(store.keys()).toEqual(['keys/deployment/1'])
  })

  test('do not open for another deployment', async () => {
    await createDeploymentKeys(place)
    await expect(loadDeploymentKeys({ ...place, deploymentId: 'deployment-2' })).rejects.toEqual(
      code('key-context-mismatch'),
    )
  })
})

describe('the owner', () => {
  test('is who came first, for everybody', async () => {
    const keys = await createSliceKeys(place)
    const [ann, eve] = ['ann', 'eve'].map((id) => ownerDigest(Buffer.alloc(32, 1), id)) as [Buffer, Buffer]
    await expect(bindOwner({ ...place, keys }, ann)).resolves.toEqual(ann)
    await expect(bindOwner({ ...place, keys }, eve)).resolves.toEqual(ann)
    await expect(readOwner({ ...place, keys })).resolves.toEqual(ann)
    expect((await loadSliceKeys({ ...place, access: 'write' }))?.hasOwner).toBe(true)
    expect(store.peek('keys/abc/owner')?.includes(ann)).toBe(false)
  })

  test('of another slice, or a changed one, is refused', async () => {
    const keys = await createSliceKeys(place)
    await bindOwner({ ...place, keys }, Buffer.alloc(32, 5))
    const body = store.peek('keys/abc/owner') as Buffer
    store.replace('keys/xyz/owner', body)
    await expect(readOwner({ ...place, keys, sliceId: 'xyz' })).rejects.toEqual(code('seal-broken'))
    body[80] = (body[80] as number) ^ 1
    store.replace('keys/abc/owner', body)
    await expect(readOwner({ ...place, keys })).rejects.toEqual(code('seal-broken'))
    await expect(readOwner({ ...place, keys, sliceId: 'none' })).rejects.toEqual(code('object-not-found'))
  })
})
