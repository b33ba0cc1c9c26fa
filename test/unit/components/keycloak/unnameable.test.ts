import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { keycloakComponent } from '../../../../lib/components/keycloak/component.ts'
import type { Component } from '../../../../lib/components/component.ts'
import { startDemoKeycloak } from '../../../../lib/embedded/demo/keycloak/server.ts'
import type { DemoKeycloak } from '../../../../lib/embedded/demo/keycloak/server.ts'
import { systemClock } from '../../../../lib/platform/clock.ts'
import { compareKeys, formatKey } from '../../../../lib/resources/key.ts'
import type { ResourceKey } from '../../../../lib/resources/key.ts'
import type { Note } from '../../../../lib/resources/resource.ts'
import { SHARED } from '../../../../lib/resources/slice.ts'

const NAMES = ['..', 'a/b', 'nul\0name', 'n'.repeat(256)]
let demo: DemoKeycloak
let component: Component

beforeEach(async () => {
  demo = await startDemoKeycloak({ users: 3 })
  for (const name of NAMES) demo.add(name)
  component = keycloakComponent({
    url: demo.url,
    realm: demo.realm,
    login: { client: demo.client, secret: demo.secret },
    requestsPerSecond: 5_000,
  })
})
afterEach(async () => {
  await component.close()
  await demo.stop()
})

async function readShared(after?: ResourceKey): Promise<{ keys: ResourceKey[]; notes: Note[] }> {
  const notes: Note[] = []
  const keys: ResourceKey[] = []
  const context = { clock: systemClock, signal: new AbortController().signal, note: (note: Note) => notes.push(note) }
  for await (const { key } of component.read(SHARED, after === undefined ? context : { ...context, after }))
    keys.push(key)
  return { keys, notes }
}

test('accounts whose names no slice can have are saved with the shared state, in the order of keys, and noted', async () => {
  const { keys, notes } = await readShared()
  expect(keys.map(formatKey)).toEqual(expect.arrayContaining(['user/..', 'user/a%2Fb', 'user/nul%00name']))
  expect(keys.filter((key, index) => index > 0 && compareKeys(keys[index - 1] as ResourceKey, key) >= 0)).toEqual([])
  expect(notes.filter(({ code }) => code === 'saved-with-shared-state')).toHaveLength(NAMES.length)
})

test('a continuation goes on after any of them', async () => {
  const { keys } = await readShared()
  const from = keys.findIndex((key) => formatKey(key) === 'user/a%2Fb')
  for (const at of [from - 2, from - 1, from, from + 1, keys.length - 2])
    expect((await readShared(keys[at])).keys.map(formatKey)).toEqual(keys.slice(at + 1).map(formatKey))
})
